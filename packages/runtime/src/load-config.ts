import { ServingError } from '@tessera/domain';
import type { z } from 'zod';
import { describeIssue } from './describe-issue.js';
import { describeOption } from './describe-option.js';
import { defaultEnvPrefix, envName } from './env-name.js';
import { flagName } from './flag-name.js';
import { parseOptionText } from './parse-option-text.js';

export type ConfigSchema = z.ZodObject<z.core.$ZodLooseShape>;

export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Options given on the command line or by the code that starts the service; they win over `env`. */
  readonly overrides?: Readonly<Record<string, unknown>>;
  /** Variables with this prefix are options: `maxBodyBytes` is `TESSERA_MAX_BODY_BYTES`. Default `TESSERA_`. */
  readonly envPrefix?: string;
  /** Further names, such as `{ port: 'PORT' }`; the prefixed name wins. */
  readonly envAliases?: Readonly<Record<string, string>>;
  /** Variables that carry the prefix and are somebody else's. */
  readonly foreignEnv?: readonly string[];
}

/**
 * Reads, checks and freezes a service's options. Throws a ServingError `invalid_option` that names the option for an
 * unknown name, a bad value, or a contradiction (a refinement of the schema whose path is the option).
 */
export function loadConfig<Schema extends ConfigSchema>(
  schema: Schema,
  sources: ConfigSources,
): Readonly<z.output<Schema>> {
  const given = new Map([...readEnv(schema, sources), ...readOverrides(schema, sources.overrides ?? {})]);
  const parsed = schema.safeParse(Object.fromEntries([...given].map(([option, { value }]) => [option, value])));
  if (parsed.success) return Object.freeze(parsed.data);
  const issue = parsed.error.issues[0]!;
  const option = String(issue.path[0] ?? '');
  const { value, variable } = given.get(option) ?? {};
  const names = variable === undefined ? flagName(option) : `${variable} (option ${flagName(option)})`;
  const problem = `${describeIssue(issue)}; given: ${formatGiven(schema, option, value)}`;
  throw new ServingError('invalid_option', `${names}: ${problem}`, { option });
}

/** The config as it may be logged: values of options whose schema has `.meta({ secret: true })` are masked. */
export function maskSecrets<Schema extends ConfigSchema>(schema: Schema, config: z.output<Schema>): object {
  return Object.fromEntries(
    Object.entries(config).map(([option, value]) => [option, isMasked(schema, option, value) ? '***' : value]),
  );
}

interface GivenOption {
  readonly value: unknown;
  /** The environment variable it came from; undefined for the command line. */
  readonly variable?: string;
}

function readEnv(schema: ConfigSchema, sources: ConfigSources): [string, GivenOption][] {
  const { env, envPrefix = defaultEnvPrefix, envAliases = {}, foreignEnv = [] } = sources;
  const optionOf = new Map([
    ...Object.entries(envAliases).map(([option, name]) => [name, option] as const),
    ...Object.keys(schema.shape).map((option) => [envName(option, envPrefix), option] as const),
  ]);
  for (const name of Object.keys(env)) {
    if (!name.startsWith(envPrefix) || optionOf.has(name) || foreignEnv.includes(name)) continue;
    throw new ServingError('invalid_option', `Environment variable ${name} is no option of this service.`, {
      option: name,
    });
  }
  return [...optionOf].flatMap(([variable, option]): [string, GivenOption][] => {
    const text = env[variable];
    if (text === undefined || text === '') return [];
    return [[option, { value: parseOptionText(schema, option, text), variable }]];
  });
}

function readOverrides(schema: ConfigSchema, overrides: Readonly<Record<string, unknown>>): [string, GivenOption][] {
  const entries = Object.entries(overrides).filter(([, value]) => value !== undefined);
  for (const [option] of entries) {
    if (Object.hasOwn(schema.shape, option)) continue;
    throw new ServingError('invalid_option', `Unknown option ${flagName(option)}.`, { option });
  }
  return entries.map(([option, value]) => [
    option,
    { value: typeof value === 'string' ? parseOptionText(schema, option, value) : value },
  ]);
}

function formatGiven(schema: ConfigSchema, option: string, value: unknown): string {
  if (value === undefined) return 'nothing';
  return isMasked(schema, option, value) ? '***' : JSON.stringify(value);
}

function isMasked(schema: ConfigSchema, option: string, value: unknown): boolean {
  return value !== undefined && describeOption(schema, option).isSecret;
}
