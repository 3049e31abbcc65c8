import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { Bus } from '@tessera/bus';
import { createEncoderEngine, prepareEngine } from '@tessera/engine';
import { type CompileProgress, parseWeightPlan, servingOptions } from '@tessera/onnx-graph';
import { advertisedAddress, createRpcServer, serveVisionEncoder } from '@tessera/rpc';
import {
  createHealth,
  createMetrics,
  type Health,
  type Logger,
  type Metrics,
  type ProcessContext,
  tlsFilesOf,
} from '@tessera/runtime';
import type { VisionEncoderConfig } from './config.js';
import { createVisionEncoder, type RunningVisionEncoder } from './create-vision-encoder.js';
import { createEncoderMetrics } from './encoder-metrics.js';
import { createMediaDecoderPool } from './media/media-decoder-pool.js';

export interface VisionEncoderProcessDeps {
  readonly logger: Logger;
  readonly context: ProcessContext;
  readonly bus: Bus;
  /** Of the process that it shares with other services. Default: its own. */
  readonly metrics?: Metrics;
  readonly onCompileProgress?: (progress: CompileProgress) => void;
}

export interface StartedVisionEncoder {
  /** Where it serves, host:port. */
  readonly address: string;
  readonly health: Health;
  readonly metrics: Metrics;
  /** Resolves with the reason when it can encode nothing any more: the process should be started again. */
  readonly lost: Promise<Error>;
}

/** Time that embeddings on their way to a decoder get to arrive when the process stops. */
const graceMs = 5_000;

/**
 * Brings up the encoder as a process of its own: loads the engine, serves, and is announced as a member of the cell
 * once it can be used. What it starts is closed through `context`. ServingError for a model, an engine or an address
 * that cannot be served.
 */
export async function startVisionEncoder(
  config: VisionEncoderConfig,
  deps: VisionEncoderProcessDeps,
): Promise<StartedVisionEncoder> {
  const { logger, context, bus, metrics = createMetrics() } = deps;
  const health = createHealth(['tower', 'server', 'membership']);
  const encoder = await startEncoder(config, deps, metrics);
  health.set('tower', 'ready');

  const server = createRpcServer({
    tls: tlsFilesOf(config),
    onError: (error, method) => logger.error({ err: error, method }, 'a call failed'),
  });
  serveVisionEncoder(server, encoder, { maxSourceBytes: config.maxImageBytes });
  const address = advertisedAddress(await server.listen(config.listen), config.advertiseHost);
  context.onShutdown('server', async () => {
    encoder.close();
    await server.close(graceMs);
  });
  health.set('server', 'ready');

  const { modelRevision } = encoder.description;
  const announcement = await bus.announce({
    kind: 'vision-encoder',
    id: address,
    address,
    incarnation: randomUUID(),
    facts: { modelRevision },
  });
  context.onShutdown('membership', () => {
    health.set('membership', 'stopping');
    return announcement.withdraw();
  });
  health.set('membership', 'ready');
  logger.info({ address, revision: modelRevision }, 'vision encoder ready');

  void encoder.lost.then(async (error) => {
    health.set('tower', 'failed', error.message);
    logger.error({ err: error }, 'the vision tower is lost');
    await announcement.withdraw();
  });
  return { address, health, metrics, lost: encoder.lost };
}

async function startEncoder(
  config: VisionEncoderConfig,
  { context, onCompileProgress }: VisionEncoderProcessDeps,
  metrics: Metrics,
): Promise<RunningVisionEncoder> {
  const prepared = await prepareEngine(
    resolve(config.model),
    servingOptions(parseWeightPlan(config.weights), config.tp),
    {
      cacheDir: config.engineCache,
      numThreads: config.threads,
      onProgress: onCompileProgress,
      signal: context.signal,
    },
  );
  const engine = await createEncoderEngine(prepared.dir, {
    numThreads: config.threads,
    isDeterministic: config.deterministic,
  });
  context.onShutdown('tower', () => engine.close());
  const decoders = createMediaDecoderPool({
    numProcesses: config.mediaProcesses,
    deadlineMs: config.mediaDeadlineMs,
    maxMemoryBytes: config.mediaMemoryBytes,
    maxPixels: config.maxImagePixels,
  });
  context.onShutdown('media decoders', () => decoders.close());
  context.signal.throwIfAborted();

  const encoderMetrics = createEncoderMetrics(metrics);
  const encoder = createVisionEncoder({ engine, decoders, observer: encoderMetrics }, encoderOptions(config));
  encoderMetrics.watch(encoder);
  return encoder;
}

function encoderOptions(config: VisionEncoderConfig) {
  return {
    cacheBytes: config.embeddingCacheBytes,
    batchPatches: config.encodeBatchPatches,
    numDecoders: config.mediaProcesses,
    maxDecodedBytes: config.encodeAheadBytes,
    maxQueuedJobs: config.maxQueuedPictures,
    maxQueuedBytes: config.maxQueuedBytes,
  };
}
