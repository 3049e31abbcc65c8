import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gatewayConfigSchema } from '@tessera/gateway';
import { standaloneConfigSchema } from '@tessera/standalone';
import { expect, it } from 'vitest';
import { serveCommand } from './commands/serve.js';

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
  const isGateway = (name: string): boolean => name in gatewayConfigSchema.shape;
  const names = serveCommand().options.map((option) => option.attributeName());
  let text = await readFile(path, 'utf8');
  text = replaceTable(
    text,
    'server',
    names.filter((name) => !isGateway(name)),
  );
  text = replaceTable(text, 'gateway', names.filter(isGateway));
  await expect(text).toMatchFileSnapshot(path);
});

/** The text with a new table between `<!-- title -->` and the next blank line. */
function replaceTable(text: string, title: string, names: readonly string[]): string {
  const start = `<!-- ${title} -->\n`;
  const table = ['| option | environment | default | |', '|---|---|---|---|', ...names.map(row)].join('\n');
  const [before, after = ''] = text.split(start);
  return `${before}${start}${table}${after.slice(after.indexOf('\n\n'))}`;
}

function row(name: string): string {
  const { description } = schemaOf(name);
  const words = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const variable = `TESSERA_${words.replaceAll('-', '_').toUpperCase()}`;
  return `| \`--${words}\` | \`${variable}\` | ${formatDefault(name)} | ${description} |`;
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
