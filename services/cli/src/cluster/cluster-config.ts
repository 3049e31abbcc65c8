import { availableParallelism } from 'node:os';
import { decoderConfigSchema } from '@tessera/decoder';
import { gatewayServerConfigSchema } from '@tessera/gateway';
import { schedulerServerConfigSchema } from '@tessera/scheduler';
import { bundledModelDir } from '@tessera/standalone';
import { visionEncoderConfigSchema } from '@tessera/vision-encoder';
import { z } from 'zod';
import { processOptions } from '../process/process-options.js';

const count = z.int().positive();

/** What a cluster decides for each of its processes. */
const decided = ['listen', 'meshListen', 'advertiseHost', 'group', 'rank', 'scheduler'] as const;

/** TLS is for processes that a network is between. */
const unneeded = ['tlsCa', 'tlsCert', 'tlsKey'] as const;

const ofServices = {
  ...gatewayServerConfigSchema.shape,
  ...schedulerServerConfigSchema.shape,
  ...visionEncoderConfigSchema.shape,
  ...decoderConfigSchema.shape,
};

/** Options of a whole cluster on one machine: of its services, and how many there are of each. */
export const clusterConfigSchema = z
  .strictObject(ofServices)
  .omit(Object.fromEntries([...decided, ...unneeded].map((name) => [name, true])) as Record<Omitted, true>)
  .extend({
    cell: processOptions.cell,
    model: z.string().min(1).default(bundledModelDir).describe('Checkpoint folder to serve.'),
    groups: count.default(1).describe('Rank groups; each has the whole decoder.'),
    tp: count.default(1).describe('Ranks of a group, each a process with a part of the weights.'),
    encoders: count.default(1).describe('Vision encoders.'),
    gateways: count.default(1).describe('Gateways, on --port and the ports after it.'),
    schedulers: count.default(1).describe('Schedulers, of which one leads and the others stand by.'),
    nats: z
      .string()
      .min(1)
      .optional()
      .describe('NATS servers, separated by commas. Default: a nats-server of its own.')
      .meta({ secret: true }),
    redis: z
      .string()
      .min(1)
      .optional()
      .describe('Redis server that keeps the page directory. Default: a redis-server of its own.')
      .meta({ secret: true }),
    threads: count
      .max(4 * availableParallelism())
      .optional()
      .describe('Threads inside an operation. Default: the cores divided among decoders and encoders.'),
    kvCacheBytes: count
      .optional()
      .describe(
        'Memory for the KV cache of one decoder process. Default: a quarter of what is free at the start, divided among them.',
      ),
  });

type Omitted = (typeof decided)[number] | (typeof unneeded)[number];

export type ClusterConfig = Readonly<z.output<typeof clusterConfigSchema>>;
