import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import {
  assertContextLen,
  assertKvCapacity,
  createDecoderEngine,
  createEncoderEngine,
  kvCapacityTokens,
  prepareEngine,
} from '@tessera/engine';
import { createGateway, gatewayConfigSchema } from '@tessera/gateway';
import {
  type CompiledEngine,
  type CompileProgress,
  loadProcessor,
  parseWeightPlan,
  servingOptions,
} from '@tessera/onnx-graph';
import type { Processor } from '@tessera/qwen2-5-vl';
import type { Logger, ProcessContext } from '@tessera/runtime';
import { createMetrics } from '@tessera/runtime';
import { createScheduler } from '@tessera/scheduler';
import { createMediaDecoderPool, createVisionEncoder } from '@tessera/vision-encoder';
import { assertListenable } from './assert-listenable.js';
import type { StandaloneConfig } from './config.js';
import { explainListenError } from './explain-listen-error.js';
import { readinessOf } from './readiness-of.js';
import { registerServingMetrics } from './serving-metrics.js';

export interface StandaloneDeps {
  readonly logger: Logger;
  readonly context: ProcessContext;
  readonly onCompileProgress?: (progress: CompileProgress) => void;
}

export interface StandaloneServer {
  readonly url: string;
  readonly modelId: string;
}

/** Name of the one encoder in the process. */
const encoderAddress = 'standalone';

/**
 * Brings up gateway, scheduler, encoder and decoder in one process; what it starts is closed through `context`, whose
 * signal ends a start before anything listens. ServingError for a model, an engine or options that cannot be served.
 */
export async function startStandalone(
  config: StandaloneConfig,
  { logger, context, onCompileProgress }: StandaloneDeps,
): Promise<StandaloneServer> {
  await assertListenable(config);
  const modelDir = resolve(config.model);
  const processor = await loadProcessor(modelDir);
  const kvTokens = kvCapacityTokens(processor.config.text, config);
  assertKvCapacity(kvTokens, processor.config.text, config);
  const engine = await prepare(modelDir, config, context.signal, onCompileProgress);
  logger.info({ revision: engine.manifest.modelRevision, isReused: engine.isReused }, 'engine ready');

  const decoder = await createDecoderEngine(engine.dir, decoderOptions(config, processor, kvTokens));
  context.onShutdown('decoder', () => decoder.close());
  assertContextLen(config.maxContextLen, decoder.description.maxContextLen);
  const encoderEngine = await createEncoderEngine(engine.dir, {
    numThreads: config.threads,
    isDeterministic: config.deterministic,
  });
  context.onShutdown('encoder', () => encoderEngine.close());
  const decoders = createMediaDecoderPool({
    numProcesses: config.mediaProcesses,
    deadlineMs: config.mediaDeadlineMs,
    maxMemoryBytes: config.mediaMemoryBytes,
    maxPixels: config.maxImagePixels,
  });
  context.onShutdown('media decoders', () => decoders.close());
  context.signal.throwIfAborted();

  const visionEncoder = createVisionEncoder(
    { engine: encoderEngine, decoders },
    { address: encoderAddress, cacheBytes: config.embeddingCacheBytes },
  );
  const scheduler = createScheduler(
    { decoder, encoder: visionEncoder, now: Date.now },
    { maxWaitingRequests: config.maxWaitingRequests },
  );
  const metrics = createMetrics();
  registerServingMetrics(metrics, scheduler, visionEncoder);

  const modelId = config.servedModelName ?? basename(modelDir);
  const gateway = createGateway(
    {
      processor,
      model: {
        id: modelId,
        revision: engine.manifest.modelRevision,
        createdUnixSeconds: Math.floor((await stat(modelDir)).mtimeMs / 1000),
        maxContextLen: decoder.description.maxContextLen,
      },
      scheduler,
      encoders: new Map([[encoderAddress, visionEncoder]]),
      logger,
      metrics,
      isReady: () => readinessOf([scheduler.snapshot, decoder, encoderEngine]),
    },
    gatewayOptions(config),
  );
  context.onShutdown('gateway', () => gateway.close());
  const url = await gateway.listen({ host: config.host, port: config.port }).catch((error: unknown) => {
    throw explainListenError(error, config);
  });
  return { url, modelId };
}

function prepare(
  modelDir: string,
  config: StandaloneConfig,
  signal: AbortSignal,
  onProgress?: (progress: CompileProgress) => void,
): Promise<CompiledEngine> {
  return prepareEngine(modelDir, servingOptions(parseWeightPlan(config.weights), config.tp), {
    cacheDir: config.engineCache,
    numThreads: config.threads,
    onProgress,
    signal,
  });
}

function decoderOptions(config: StandaloneConfig, processor: Processor, kvTokens: number) {
  return {
    numThreads: config.threads,
    kernel: config.kernel,
    kvDtype: config.kv,
    numLanes: config.maxSequences,
    kvCapacityTokens: kvTokens,
    maxStepTokens: config.maxStepTokens,
    numTokens: processor.tokenizer.numTokens,
    maxContextLen: config.maxContextLen,
    isDeterministic: config.deterministic,
  };
}

function gatewayOptions(config: StandaloneConfig) {
  const names = Object.keys(gatewayConfigSchema.shape) as (keyof typeof gatewayConfigSchema.shape)[];
  return Object.fromEntries(names.map((name) => [name, config[name]]));
}
