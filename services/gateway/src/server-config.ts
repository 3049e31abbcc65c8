import { refineTlsOptions, tlsOptionsShape } from '@tessera/runtime';
import { z } from 'zod';
import { gatewayConfigSchema } from './config.js';

/** Options of the gateway as a process of its own. */
export const gatewayServerConfigSchema = z
  .strictObject({
    ...gatewayConfigSchema.shape,
    model: z.string().min(1).describe('Checkpoint folder of the served model: its tokenizer and configuration.'),
    servedModelName: z.string().min(1).optional().describe("Name clients ask for. Default: the folder's name."),
    host: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
    port: z.int().min(0).max(65_535).default(8080).describe('Port to listen on; 0 takes any free one.'),
    scheduler: z
      .string()
      .min(1)
      .optional()
      .describe('Address of the scheduler, host:port. Default: whichever leads, as NATS says.'),
    nats: z
      .string()
      .min(1)
      .default('nats://127.0.0.1:4222')
      .describe('NATS servers, separated by commas.')
      .meta({ secret: true }),
    ...tlsOptionsShape,
    logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least important messages to log.'),
  })
  .superRefine(refineTlsOptions);

export type GatewayServerConfig = Readonly<z.output<typeof gatewayServerConfigSchema>>;
