import { availableParallelism } from 'node:os';
import { defaultEngineCache } from '@tessera/engine';
import { refineTlsOptions, tlsOptionsShape } from '@tessera/runtime';
import { z } from 'zod';

const count = z.int().positive();

/** More threads than this only get in each other's way. */
const maxThreads = 4 * availableParallelism();

/** Options of a decoder as a process of its own: one rank of a group, or a whole group. */
export const decoderConfigSchema = z
  .strictObject({
    model: z.string().min(1).describe('Checkpoint folder to serve.'),
    engineCache: z.string().min(1).default(defaultEngineCache).describe('Folder in which compiled engines are kept.'),
    weights: z
      .string()
      .default('auto')
      .describe(
        'Form of the weights: auto (as published), fp32, int8, int4, int8+int4, or by part such as int8,decoder=int4.',
      ),
    tp: count.default(1).describe('Tensor-parallel degree.'),
    rank: z
      .int()
      .min(0)
      .optional()
      .describe('Which rank this process is, from 0. Default: all ranks of the group are in this process.'),
    group: z.string().min(1).default('group-0').describe('Name of the rank group; its ranks find one another by it.'),
    listen: z.string().min(1).default('127.0.0.1:0').describe('Address to serve on, host:port; port 0 takes any.'),
    meshListen: z
      .string()
      .min(1)
      .default('127.0.0.1:0')
      .describe('Address on which the other ranks of the group are heard, host:port; port 0 takes any.'),
    advertiseHost: z
      .string()
      .min(1)
      .optional()
      .describe('Host under which other processes reach this one. Default: that of --listen.'),
    nats: z
      .string()
      .min(1)
      .default('nats://127.0.0.1:4222')
      .describe('NATS servers, separated by commas.')
      .meta({ secret: true }),
    threads: count.max(maxThreads).default(availableParallelism()).describe('Threads inside an operation.'),
    kernel: z.enum(['wasm', 'plain']).default('wasm').describe('Attention kernel; plain is slow and checks the other.'),
    kv: z
      .enum(['float32', 'int8'])
      .default('float32')
      .describe('How keys and values are kept; int8 takes a quarter of the memory.'),
    kvCacheTokens: count
      .optional()
      .describe('Positions that the KV cache holds. Default: what fits into --kv-cache-bytes.'),
    kvCacheBytes: count
      .optional()
      .describe('Memory for the KV cache of this process. Default: a quarter of what is free at the start.'),
    maxSequences: count.default(16).describe('Sequences that run at once.'),
    maxStepTokens: count.default(512).describe('Tokens computed in one step, prompts and answers together.'),
    maxContextLen: count
      .optional()
      .describe("Longest prompt and answer. Default: the model's limit or what the cache holds."),
    deterministic: z
      .boolean()
      .default(false)
      .describe(
        'Give a request the same answer whatever runs beside it; every step then computes whole tiles of 16 rows.',
      ),
    ...tlsOptionsShape,
    logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least important messages to log.'),
  })
  .superRefine(({ tp, rank, kvCacheTokens, kvCacheBytes, ...config }, context) => {
    const refuse = (option: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [option], message });
    if (rank !== undefined && rank >= tp) refuse('rank', `must be below --tp ${tp}`);
    if (rank !== undefined && kvCacheTokens === undefined && kvCacheBytes === undefined) {
      refuse('rank', 'needs --kv-cache-tokens or --kv-cache-bytes: all ranks of a group have equally many pages');
    }
    refineTlsOptions(config, context);
  });

export type DecoderConfig = Readonly<z.output<typeof decoderConfigSchema>>;
