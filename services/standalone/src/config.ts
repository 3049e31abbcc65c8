import { fileURLToPath } from 'node:url';
import { decoderConfigSchema } from '@tessera/decoder';
import { gatewayConfigSchema, gatewayServerConfigSchema } from '@tessera/gateway';
import { planningConfigSchema } from '@tessera/scheduler';
import { visionEncoderConfigSchema } from '@tessera/vision-encoder';
import { z } from 'zod';

/** The small model that comes with the product. */
export const bundledModelDir = fileURLToPath(new URL('../../../models/tessera-tiny', import.meta.url));

const { servedModelName, host, port } = gatewayServerConfigSchema.shape;
const { engineCache, weights, kernel, kv, deterministic, threads, logLevel } = decoderConfigSchema.shape;
const { maxSequences, maxStepTokens, maxContextLen, kvCacheTokens } = decoderConfigSchema.shape;
const { embeddingCacheBytes, encodeBatchPatches, encodeAheadBytes } = visionEncoderConfigSchema.shape;
const { mediaProcesses, mediaDeadlineMs, mediaMemoryBytes } = visionEncoderConfigSchema.shape;

/** Options of the one-process server: its own and those of the services in it. */
export const standaloneConfigSchema = z.strictObject({
  ...gatewayConfigSchema.shape,
  model: z.string().min(1).default(bundledModelDir).describe('Checkpoint folder to serve.'),
  servedModelName,
  host,
  port,
  engineCache,
  weights,
  tp: decoderConfigSchema.shape.tp.describe('Tensor-parallel degree; all ranks run in this process.'),
  kernel,
  kv,
  deterministic,
  threads,
  maxSequences,
  maxStepTokens,
  maxContextLen,
  kvCacheTokens,
  kvCacheBytes: decoderConfigSchema.shape.kvCacheBytes.describe(
    'Memory for the KV cache. Default: a quarter of what is free at the start.',
  ),
  ...planningConfigSchema.shape,
  embeddingCacheBytes,
  encodeBatchPatches,
  encodeAheadBytes,
  mediaProcesses,
  mediaDeadlineMs,
  mediaMemoryBytes,
  logLevel,
});

export type StandaloneConfig = Readonly<z.output<typeof standaloneConfigSchema>>;
