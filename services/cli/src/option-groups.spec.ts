import type { ConfigSchema } from '@tessera/runtime';
import { standaloneConfigSchema } from '@tessera/standalone';
import { describe, expect, it } from 'vitest';
import { clusterConfigSchema } from './cluster/cluster-config.js';
import { decoderCommand } from './commands/decoder.js';
import { serveCommand } from './commands/serve.js';
import { groupOptions, optionGroups } from './option-groups.js';
import { serviceSchemas } from './process/service-schemas.js';

const schemas: readonly ConfigSchema[] = [
  standaloneConfigSchema,
  clusterConfigSchema,
  ...Object.values(serviceSchemas),
];

it('every option of every command is in one group, and no other', () => {
  const grouped: string[] = Object.values(optionGroups).flat();
  const options = new Set(schemas.flatMap(({ shape }) => Object.keys(shape)));
  expect(grouped.toSorted()).toEqual([...options].sort());
});

it('every option of every command is described', () => {
  for (const { shape } of schemas) {
    for (const [name, option] of Object.entries(shape))
      expect((option as { description?: string }).description, name).toMatch(/\.$/);
  }
});

describe('--help', () => {
  it('shows the groups one after the other', () => {
    const help = serveCommand().helpInformation();
    const headings = [...help.matchAll(/^([A-Z].*):$/gm)].map(([, heading]) => heading);
    const groups = groupOptions(Object.keys(standaloneConfigSchema.shape)).map(([group]) => group);
    expect(headings).toEqual([...groups, 'Options']);
    expect(help.indexOf('--port')).toBeLessThan(help.indexOf('--kernel'));
  });

  it('has a value for what is true by default', () => {
    expect(serveCommand().helpInformation()).toMatch(/--overlap <true\|false> /);
    expect(decoderCommand().helpInformation()).toMatch(/--deterministic {2}/);
  });
});
