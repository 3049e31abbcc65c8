import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defaultEngineCache } from '@tessera/engine';
import { gatewayConfigSchema } from '@tessera/gateway';
import { planningConfigSchema } from '@tessera/scheduler';
import { z } from 'zod';

const count = z.int().positive();

/** More threads than this only get in each other's way. */
const maxThreads = 4 * availableParallelism();
const gibibyte = 2 ** 30;

/** The small model that comes with the product. */
export const bundledModelDir = fileURLToPath(new URL('../../../models/tessera-tiny', import.meta.url));

/** Options of the one-process server: its own and those of the services in it. */
export const standaloneConfigSchema = z.strictObject({
  ...gatewayConfigSchema.shape,
  model: z.string().min(1).default(bundledModelDir).describe('Checkpoint folder to serve.'),
  servedModelName: z.string().min(1).optional().describe("Name clients ask for. Default: the folder's name."),
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  port: z.int().min(0).max(65_535).default(8080).describe('Port to listen on; 0 takes any free one.'),
  engineCache: z.string().min(1).default(defaultEngineCache).describe('Folder in which compiled engines are kept.'),
  weights: z
    .string()
    .default('auto')
    .describe(
      'Form of the weights: auto (as published), fp32, int8, int4, int8+int4, or by part such as int8,decoder=int4.',
    ),
  tp: count.default(1).describe('Tensor-parallel degree; all ranks run in this process.'),
  kernel: z.enum(['wasm', 'plain']).default('wasm').describe('Attention kernel; plain is slow and checks the other.'),
  kv: z
    .enum(['float32', 'int8'])
    .default('float32')
    .describe('How keys and values are kept; int8 takes a quarter of the memory.'),
  deterministic: z
    .boolean()
    .default(false)
    .describe(
      'Give a request the same answer whatever runs beside it; every step then computes whole tiles of 16 rows.',
    ),
  threads: count.max(maxThreads).default(availableParallelism()).describe('Threads inside an operation.'),
  maxSequences: count.default(16).describe('Sequences that run at once.'),
  maxStepTokens: count.default(512).describe('Tokens computed in one step, prompts and answers together.'),
  maxContextLen: count
    .optional()
    .describe("Longest prompt and answer. Default: the model's limit or what the cache holds."),
  kvCacheTokens: count
    .optional()
    .describe('Positions that the KV cache holds. Default: what fits into --kv-cache-bytes.'),
  kvCacheBytes: count.optional().describe('Memory for the KV cache. Default: a quarter of what is free at the start.'),
  ...planningConfigSchema.shape,
  embeddingCacheBytes: count.default(gibibyte / 2).describe('Memory for the embeddings of pictures seen before.'),
  mediaProcesses: count.default(2).describe('Processes that decode pictures.'),
  mediaDeadlineMs: count.default(30_000).describe('Time in which a picture must be decoded.'),
  mediaMemoryBytes: count.default(2 * gibibyte).describe('Memory that a decoding process may use.'),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least important messages to log.'),
});

export type StandaloneConfig = Readonly<z.output<typeof standaloneConfigSchema>>;
