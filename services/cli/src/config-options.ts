import { type ConfigSchema, describeOption, flagName, loadConfig } from '@tessera/runtime';
import { type Command, Option } from 'commander';
import type { z } from 'zod';
import { groupOptions } from './option-groups.js';

const foreignEnv = ['TESSERA_TEST_SIZE'];

/** Adds flags for options of a schema, described and defaulted as there, in groups by their subject. Default: all. */
export function addConfigOptions<Schema extends ConfigSchema>(
  command: Command,
  schema: Schema,
  names: readonly (keyof Schema['shape'] & string)[] = Object.keys(schema.shape),
): Command {
  for (const [group, members] of groupOptions(names)) {
    for (const name of members) command.addOption(createOption(schema, name).helpGroup(`${group}:`));
  }
  return command;
}

/** A schema's options from the environment and the flags given; ServingError `invalid_option`. */
export function readConfig<Schema extends ConfigSchema>(
  schema: Schema,
  flags: Readonly<Record<string, unknown>>,
): Readonly<z.output<Schema>> {
  const envAliases: Readonly<Record<string, string>> = 'port' in schema.shape ? { port: 'PORT' } : {};
  return loadConfig(schema, { env: process.env, envAliases, foreignEnv, overrides: flags });
}

/** What an option is when it is not given; undefined also when it must be given. */
export function defaultOf(schema: ConfigSchema, name: string): unknown {
  return (schema.shape[name] as z.ZodType).safeParse(undefined).data;
}

export function descriptionOf(schema: ConfigSchema, name: string): string {
  return (schema.shape[name] as z.ZodType).description ?? '';
}

function createOption(schema: ConfigSchema, name: string): Option {
  const fallback = defaultOf(schema, name);
  const hasFallback = fallback !== undefined && fallback !== '';
  const text = [descriptionOf(schema, name), hasFallback && `(default: ${fallback})`];
  return new Option(`${flagName(name)}${placeholderOf(schema, name)}`, text.filter(Boolean).join(' '));
}

/** A flag alone means true, so what is true by default takes a value. */
function placeholderOf(schema: ConfigSchema, name: string): string {
  if (describeOption(schema, name).type !== 'boolean') return ' <value>';
  return defaultOf(schema, name) === true ? ' <true|false>' : '';
}
