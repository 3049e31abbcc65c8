import { decoderConfigSchema } from '@tessera/decoder';
import { gatewayServerConfigSchema } from '@tessera/gateway';
import { schedulerServerConfigSchema } from '@tessera/scheduler';
import { visionEncoderConfigSchema } from '@tessera/vision-encoder';
import { processOptions, statusOptions } from './process-options.js';

/** The options of each command that is one process of a cluster: the service's own and those of any process. */
export const serviceSchemas = {
  gateway: gatewayServerConfigSchema.safeExtend(processOptions),
  scheduler: schedulerServerConfigSchema.safeExtend({ ...processOptions, ...statusOptions }),
  'vision-encoder': visionEncoderConfigSchema.safeExtend({ ...processOptions, ...statusOptions }),
  decoder: decoderConfigSchema.safeExtend({ ...processOptions, ...statusOptions }),
} as const;

export type ServiceName = keyof typeof serviceSchemas;
