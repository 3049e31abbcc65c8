import { type ConfigSchema, createLogger, maskSecrets } from '@tessera/runtime';
import { Command } from 'commander';
import type { z } from 'zod';
import { addConfigOptions, readConfig } from '../config-options.js';
import { type ProcessDefinition, runProcess } from './run-process.js';
import { type ServiceName, serviceSchemas } from './service-schemas.js';

type ConfigOf<Name extends ServiceName> = Readonly<z.output<(typeof serviceSchemas)[Name]>>;

/** The command that runs one service of a cluster as a process; `description` is a sentence about what it does. */
export function serviceCommand<Name extends ServiceName>(
  service: Name,
  description: string,
  definition: ProcessDefinition<ConfigOf<Name>>,
): Command {
  const schema: ConfigSchema = serviceSchemas[service];
  return addConfigOptions(new Command(service).description(description), schema).action(async (flags) => {
    const config = readConfig(schema, flags) as ConfigOf<Name>;
    const logger = createLogger({ name: config.name ?? service, level: config.logLevel });
    logger.debug(maskSecrets(schema, config), 'options');
    await runProcess(config, logger, definition);
  });
}
