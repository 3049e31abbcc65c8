import { loadConfig } from '@tessera/runtime';
import { type StandaloneConfig, standaloneConfigSchema } from '@tessera/standalone';
import { type Command, Option } from 'commander';

type OptionName = keyof typeof standaloneConfigSchema.shape;

const environment = { envAliases: { port: 'PORT' }, foreignEnv: ['TESSERA_TEST_SIZE'] };

/** Adds flags for some of the server's options, described and defaulted as in its schema. */
export function addConfigOptions(command: Command, names: readonly OptionName[]): Command {
  for (const name of names) {
    const schema = standaloneConfigSchema.shape[name];
    const fallback = schema.safeParse(undefined);
    const text = [
      schema.description,
      fallback.success && fallback.data !== undefined && fallback.data !== '' && `(default: ${fallback.data})`,
    ];
    command.addOption(new Option(`--${kebab(name)} <value>`, text.filter(Boolean).join(' ')));
  }
  return command;
}

export const allConfigOptions = Object.keys(standaloneConfigSchema.shape) as OptionName[];

/** The server's options from the environment and the flags given. */
export function readConfig(flags: Readonly<Record<string, unknown>>): StandaloneConfig {
  return loadConfig(standaloneConfigSchema, { ...environment, env: process.env, overrides: flags });
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
