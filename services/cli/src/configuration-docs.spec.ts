import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type ConfigSchema, envName, flagName } from '@tessera/runtime';
import { standaloneConfigSchema } from '@tessera/standalone';
import { expect, it } from 'vitest';
import { clusterConfigSchema } from './cluster/cluster-config.js';
import { defaultOf, descriptionOf } from './config-options.js';
import { groupOptions } from './option-groups.js';
import { serviceSchemas } from './process/service-schemas.js';

const path = fileURLToPath(new URL('../../../docs/configuration.md', import.meta.url));
const regenerate = 'npx vitest run --project unit services/cli/src/configuration-docs.spec.ts -u';

/** Defaults that depend on the machine, in words. */
const defaultsInWords: Readonly<Record<string, string>> = {
  model: '`models/tessera-tiny`',
  engineCache: '`~/.cache/tessera`',
  filesDir: "the system's temporary directory",
  threads: 'number of cores',
};

/** One table a group for the one-process server, one for each process of a cluster. */
const tables: readonly (readonly [title: string, schema: ConfigSchema, names: readonly string[]])[] = [
  ...groupOptions(Object.keys(standaloneConfigSchema.shape)).map(
    ([group, names]) => [group, standaloneConfigSchema, names] as const,
  ),
  ...Object.entries({ cluster: clusterOwn(), ...serviceSchemas }).map(
    ([command, schema]) =>
      [command, schema, groupOptions(Object.keys(schema.shape)).flatMap(([, names]) => names)] as const,
  ),
];

it(`docs/configuration.md lists the options of every command; after a change: ${regenerate}`, async () => {
  let text = await readFile(path, 'utf8');
  for (const [title, schema, names] of tables)
    text = replaceTable(
      text,
      title,
      names.map((name) => row(schema, name)),
    );
  await expect(text).toMatchFileSnapshot(path);
});

/** The options of `cluster` that are not those of a service. */
function clusterOwn(): ConfigSchema {
  const own = [
    'groups',
    'tp',
    'encoders',
    'gateways',
    'schedulers',
    'nats',
    'redis',
    'threads',
    'kvCacheBytes',
  ] as const;
  return clusterConfigSchema.pick(
    Object.fromEntries(own.map((name) => [name, true])) as Record<(typeof own)[number], true>,
  );
}

/** The text with a new table between `<!-- title -->` and the next blank line. */
function replaceTable(text: string, title: string, rows: readonly string[]): string {
  const start = `<!-- ${title} -->\n`;
  if (!text.includes(start)) throw new Error(`docs/configuration.md has no place for the table "${title}".`);
  const table = ['| option | environment | default | |', '|---|---|---|---|', ...rows].join('\n');
  const [before, after = ''] = text.split(start);
  return `${before}${start}${table}${after.slice(after.indexOf('\n\n'))}`;
}

function row(schema: ConfigSchema, name: string): string {
  return `| \`${flagName(name)}\` | \`${envName(name)}\` | ${formatDefault(schema, name)} | ${descriptionOf(schema, name)} |`;
}

function formatDefault(schema: ConfigSchema, name: string): string {
  const value = defaultOf(schema, name);
  if (value === undefined || value === '') return '';
  if (name in defaultsInWords) return defaultsInWords[name]!;
  const numMebibytes = Number(value) / 2 ** 20;
  return name.endsWith('Bytes') ? `${value} (${numMebibytes} MiB)` : `\`${value}\``;
}
