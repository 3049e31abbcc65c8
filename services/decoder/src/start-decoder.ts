import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { Bus } from '@tessera/bus';
import type { DecoderDescription } from '@tessera/domain';
import { assertContextLen, assertKvCapacity, kvCapacityTokens, prepareEngine } from '@tessera/engine';
import { type CompileProgress, loadProcessor, parseWeightPlan, servingOptions } from '@tessera/onnx-graph';
import type { Processor } from '@tessera/qwen2-5-vl';
import { advertisedAddress, createRpcServer, serveDecoderRank } from '@tessera/rpc';
import { createHealth, type Health, type Logger, type ProcessContext, tlsFilesOf } from '@tessera/runtime';
import type { DecoderConfig } from './config.js';
import { createDecoderRank } from './create-decoder-rank.js';
import { createEmbeddingStores } from './embedding-stores.js';
import { createLocalEngine } from './engine/create-local-engine.js';
import { createMeshEngine } from './engine/create-mesh-engine.js';
import type { RankEngine } from './engine/rank-engine.js';
import { engineDigest } from './engine-digest.js';

export interface DecoderProcessDeps {
  readonly logger: Logger;
  readonly context: ProcessContext;
  readonly bus: Bus;
  readonly onCompileProgress?: (progress: CompileProgress) => void;
}

export interface StartedDecoder {
  /** Where schedulers find it. */
  readonly address: string;
  /** Where the other ranks of its group find it. */
  readonly meshAddress: string;
  readonly description: DecoderDescription;
  /** Ready once it is announced. */
  readonly health: Health;
  /** Resolves with the reason when it can run nothing any more: the process should be started again. */
  readonly lost: Promise<Error>;
}

/** What is going on when the process stops is its leader's to repeat elsewhere. */
const graceMs = 1_000;

/**
 * Brings up a decoder as a process of its own: loads the engine, compiled before or now, serves, and is announced as a
 * member of the cell once it can be led. What it starts is closed through `context`. ServingError for a model, an
 * engine, options or an address that cannot be served.
 */
export async function startDecoder(config: DecoderConfig, deps: DecoderProcessDeps): Promise<StartedDecoder> {
  const { logger, context, bus } = deps;
  const health = createHealth(['engine', 'server', 'membership']);
  const { engine, digest } = await loadEngine(config, deps);
  health.set('engine', 'ready');

  const stores = createEmbeddingStores(tlsFilesOf(config));
  context.onShutdown('embedding stores', () => stores.close());
  const rank = config.rank ?? 0;
  const identity = { groupId: config.group, rank, engineDigest: digest };
  const server = createRpcServer({
    tls: tlsFilesOf(config),
    onError: (error, method) => logger.error({ err: error, method }, 'a call failed'),
  });
  serveDecoderRank(server, createDecoderRank({ engine, embeddings: stores.at, logger }, identity));
  const address = advertisedAddress(await server.listen(config.listen), config.advertiseHost);
  const meshAddress =
    config.rank === undefined ? engine.meshAddress : advertisedAddress(engine.meshAddress, config.advertiseHost);
  context.onShutdown('server', () => server.close(graceMs));
  health.set('server', 'ready');

  const { modelRevision } = engine.description;
  const numRanks = config.rank === undefined ? 1 : config.tp;
  const announcement = await bus.announce({
    kind: 'decoder',
    id: `${config.group}-${rank}`,
    address,
    incarnation: randomUUID(),
    facts: { group: config.group, rank, numRanks, meshAddress, modelRevision, engineDigest: digest },
  });
  context.onShutdown('membership', () => {
    health.set('membership', 'stopping');
    return announcement.withdraw();
  });
  health.set('membership', 'ready');
  logger.info({ address, group: config.group, rank, revision: modelRevision }, 'decoder ready');

  void engine.failed.then(async (error) => {
    health.set('engine', 'failed', error.message);
    logger.error({ err: error }, 'the decoder engine is lost');
    await announcement.withdraw();
  });
  return { address, meshAddress, description: engine.description, health, lost: engine.failed };
}

async function loadEngine(
  config: DecoderConfig,
  { logger, context, onCompileProgress }: DecoderProcessDeps,
): Promise<{ engine: RankEngine; digest: string }> {
  const modelDir = resolve(config.model);
  const processor = await loadProcessor(modelDir);
  const options = decoderOptions(config, processor);
  const engineOptions = servingOptions(parseWeightPlan(config.weights), config.tp);
  const { dir, manifest, isReused } = await prepareEngine(modelDir, engineOptions, {
    cacheDir: config.engineCache,
    numThreads: config.threads,
    onProgress: onCompileProgress,
    signal: context.signal,
  });
  logger.info({ revision: manifest.modelRevision, isReused }, 'engine found');
  const engine =
    config.rank === undefined
      ? await createLocalEngine(dir, options)
      : await createMeshEngine({ engineDir: dir, options, mesh: meshOptions(config, config.rank) });
  context.onShutdown('engine', () => engine.close());
  assertContextLen(config.maxContextLen, engine.description.maxContextLen);
  context.signal.throwIfAborted();
  return { engine, digest: engineDigest(manifest) };
}

function decoderOptions(config: DecoderConfig, { config: model, tokenizer }: Processor) {
  const text = { ...model.text, numKvHeads: numKvHeadsHeld(model.text.numKvHeads, config) };
  const kvTokens = kvCapacityTokens(text, config);
  assertKvCapacity(kvTokens, text, config);
  return {
    numThreads: config.threads,
    kernel: config.kernel,
    kvDtype: config.kv,
    numLanes: config.maxSequences,
    kvCapacityTokens: kvTokens,
    maxStepTokens: config.maxStepTokens,
    numTokens: tokenizer.numTokens,
    maxContextLen: config.maxContextLen,
    isDeterministic: config.deterministic,
  };
}

/** KV heads that this process keeps; with more ranks than heads, several ranks keep the same one. */
function numKvHeadsHeld(numKvHeads: number, { tp, rank }: DecoderConfig): number {
  const numRanksHeld = rank === undefined ? tp : 1;
  return numRanksHeld * Math.max(1, numKvHeads / tp);
}

function meshOptions(config: DecoderConfig, rank: number) {
  return { rank, numRanks: config.tp, listen: config.meshListen, tls: tlsFilesOf(config) };
}
