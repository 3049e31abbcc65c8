import { describeOption, flagName, loadConfig } from '@tessera/runtime';
import { type StandaloneConfig, standaloneConfigSchema } from '@tessera/standalone';
import { type Command, Option } from 'commander';
import { type OptionName, optionGroups } from './option-groups.js';

const environment = { envAliases: { port: 'PORT' }, foreignEnv: ['TESSERA_TEST_SIZE'] };

/** The server's options, some of which may have another default. */
export type ConfigSchema = typeof standaloneConfigSchema;

/** Adds flags for some of the server's options, described and defaulted as in the schema, in groups by their subject. */
export function addConfigOptions(
  command: Command,
  names: readonly OptionName[],
  schema: ConfigSchema = standaloneConfigSchema,
): Command {
  for (const [group, members] of Object.entries(optionGroups)) {
    for (const name of members.filter((member) => names.includes(member))) {
      command.addOption(createOption(schema, name).helpGroup(`${group}:`));
    }
  }
  return command;
}

export const allConfigOptions = Object.keys(standaloneConfigSchema.shape) as OptionName[];

/** The server's options from the environment and the flags given. */
export function readConfig(
  flags: Readonly<Record<string, unknown>>,
  schema: ConfigSchema = standaloneConfigSchema,
): StandaloneConfig {
  return loadConfig(schema, { ...environment, env: process.env, overrides: flags });
}

function createOption({ shape }: ConfigSchema, name: OptionName): Option {
  const schema = shape[name];
  const fallback = schema.safeParse(undefined);
  const text = [
    schema.description,
    fallback.success && fallback.data !== undefined && fallback.data !== '' && `(default: ${fallback.data})`,
  ];
  const value = describeOption(standaloneConfigSchema, name).type === 'boolean' ? '' : ' <value>';
  return new Option(`${flagName(name)}${value}`, text.filter(Boolean).join(' '));
}
