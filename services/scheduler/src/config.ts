import { refineTlsOptions, tlsOptionsShape } from '@tessera/runtime';
import { z } from 'zod';
import { defaultSchedulerConfig, type SchedulerConfig } from './scheduler-config.js';

const count = z.int().positive();

/** How a scheduler plans and what may wait, in a process of its own or in another. */
export const planningConfigSchema = z.strictObject({
  overlap: z
    .boolean()
    .default(defaultSchedulerConfig.isOverlapped)
    .describe('Plan the next step while one runs; without it every step waits for the one before.'),
  stagingTokens: count
    .default(defaultSchedulerConfig.stagingTokens)
    .describe('Visual tokens that a rank group keeps ready for coming steps; one request may not have more.'),
  maxEncoderPatches: count
    .default(defaultSchedulerConfig.maxEncoderPatches)
    .describe('Patches of pictures that an encoder is given at a time; fairness between tenants is decided before.'),
  maxWaitingRequests: count
    .default(defaultSchedulerConfig.maxWaitingRequests)
    .describe('Requests that may wait for room; one more is refused with 429.'),
  maxWaitingTokens: count
    .default(defaultSchedulerConfig.maxWaitingTokens)
    .describe('Prompt tokens of requests that may wait for room.'),
  maxWaitingPatches: count
    .default(defaultSchedulerConfig.maxWaitingPatches)
    .describe('Patches of the pictures of requests that may wait for room.'),
  maxWaitingBytes: count
    .default(defaultSchedulerConfig.maxWaitingBytes)
    .describe('Bytes of the pictures of requests that may wait for room.'),
});

export type PlanningConfig = Readonly<z.output<typeof planningConfigSchema>>;

/** Options of the scheduler as a process of its own. */
export const schedulerServerConfigSchema = z
  .strictObject({
    ...planningConfigSchema.shape,
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
    redis: z
      .string()
      .min(1)
      .optional()
      .describe('Redis server that keeps the page directory. Default: none; nothing but inspection needs it.')
      .meta({ secret: true }),
    cell: z
      .string()
      .regex(/^[A-Za-z0-9_-]+$/)
      .default('default')
      .describe('Name of the cell: the schedulers, encoders and decoders that serve one model together.'),
    leaseMs: count.default(5000).describe('Time after which another scheduler may lead when this one is not heard of.'),
    silenceMs: count
      .default(5000)
      .describe('Time after which decoders may obey another scheduler when this one is silent.'),
    ...tlsOptionsShape,
    logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least important messages to log.'),
  })
  .superRefine(refineTlsOptions);

export type SchedulerServerConfig = Readonly<z.output<typeof schedulerServerConfigSchema>>;

export function schedulerConfigOf({ overlap, ...limits }: PlanningConfig): SchedulerConfig {
  const { stagingTokens, maxEncoderPatches } = limits;
  const { maxWaitingRequests, maxWaitingTokens, maxWaitingPatches, maxWaitingBytes } = limits;
  return {
    isOverlapped: overlap,
    stagingTokens,
    maxEncoderPatches,
    maxWaitingRequests,
    maxWaitingTokens,
    maxWaitingPatches,
    maxWaitingBytes,
  };
}
