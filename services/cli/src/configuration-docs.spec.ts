import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { flagName } from '@tessera/runtime';
import { standaloneConfigSchema } from '@tessera/standalone';
import { expect, it } from 'vitest';
import { optionGroups } from './option-groups.js';

const path = fileURLToPath(new URL('../../../docs/configuration.md', import.meta.url));
const regenerate = 'npx vitest run --project unit services/cli/src/configuration-docs.spec.ts -u';

/** Defaults that depend on the machine, in words. */
const defaultsInWords: Readonly<Record<string, string>> = {
  model: '`models/tessera-tiny`',
  engineCache: '`~/.cache/tessera`',
  filesDir: "the system's temporary directory",
  threads: 'number of cores',
};

it(`docs/configuration.md lists the options that serve has; after a change: ${regenerate}`, async () => {
  let text = await readFile(path, 'utf8');
  for (const [group, names] of Object.entries(optionGroups)) text = replaceTable(text, group, names);
  await expect(text).toMatchFileSnapshot(path);
});

/** The text with a new table between `<!-- title -->` and the next blank line. */
function replaceTable(text: string, title: string, names: readonly string[]): string {
  const start = `<!-- ${title} -->\n`;
  if (!text.includes(start)) throw new Error(`docs/configuration.md has no place for the table "${title}".`);
  const table = ['| option | environment | default | |', '|---|---|---|---|', ...names.map(row)].join('\n');
  const [before, after = ''] = text.split(start);
  return `${before}${start}${table}${after.slice(after.indexOf('\n\n'))}`;
}

function row(name: string): string {
  const { description } = schemaOf(name);
  const flag = flagName(name);
  const variable = `TESSERA_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`;
  return `| \`${flag}\` | \`${variable}\` | ${formatDefault(name)} | ${description} |`;
}

function schemaOf(name: string) {
  return standaloneConfigSchema.shape[name as keyof typeof standaloneConfigSchema.shape];
}

function formatDefault(name: string): string {
  if (name in defaultsInWords) return defaultsInWords[name];
  const { data } = schemaOf(name).safeParse(undefined);
  if (data === undefined || data === '') return '';
  const numMebibytes = Number(data) / 2 ** 20;
  return name.endsWith('Bytes') ? `${data} (${numMebibytes} MiB)` : `\`${data}\``;
}
