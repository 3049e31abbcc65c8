import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { refineTlsOptions, tlsOptionsShape } from '@tessera/runtime';
import { z } from 'zod';

const count = z.int().positive();

/** More threads than this only get in each other's way. */
const maxThreads = 4 * availableParallelism();
const [mebibyte, gibibyte] = [2 ** 20, 2 ** 30];

/** Options of the vision encoder as a process of its own. */
export const visionEncoderConfigSchema = z
  .strictObject({
    model: z.string().min(1).describe('Checkpoint folder to serve.'),
    engineCache: z
      .string()
      .min(1)
      .default(join(homedir(), '.cache', 'tessera'))
      .describe('Folder in which compiled engines are kept.'),
    weights: z
      .string()
      .default('auto')
      .describe(
        'Form of the weights: auto (as published), fp32, int8, int4, int8+int4, or by part such as int8,decoder=int4.',
      ),
    tp: count
      .default(1)
      .describe(
        'Tensor-parallel degree of the engine to load; with that of the decoders it is compiled once for both.',
      ),
    listen: z.string().min(1).default('127.0.0.1:0').describe('Address to serve on, host:port; port 0 takes any.'),
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
    deterministic: z
      .boolean()
      .default(false)
      .describe('Give a picture the same embedding whatever is encoded beside it.'),
    embeddingCacheBytes: count.default(gibibyte / 2).describe('Memory for the embeddings of pictures seen before.'),
    encodeBatchPatches: count
      .default(4096)
      .describe('Patches of pictures that are encoded together; a larger picture is encoded alone.'),
    encodeAheadBytes: count
      .default(32 * mebibyte)
      .describe('Memory for the pixels of pictures that are decoded while others are encoded.'),
    maxQueuedPictures: count.default(1024).describe('Pictures that may wait; one more is refused.'),
    maxQueuedBytes: count
      .default(gibibyte / 2)
      .describe('Bytes of the pictures that wait together, as sent; one that does not fit is refused.'),
    mediaProcesses: count.default(2).describe('Processes that decode pictures.'),
    mediaDeadlineMs: count.default(30_000).describe('Time in which a picture must be decoded.'),
    mediaMemoryBytes: count.default(2 * gibibyte).describe('Memory that a decoding process may use.'),
    maxImageBytes: count.default(64 * mebibyte).describe('Largest image as sent, in bytes.'),
    maxImagePixels: count.default(100_000_000).describe('Largest width × height of one image as sent.'),
    ...tlsOptionsShape,
    logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least important messages to log.'),
  })
  .superRefine(refineTlsOptions);

export type VisionEncoderConfig = Readonly<z.output<typeof visionEncoderConfigSchema>>;
