import { standaloneConfigSchema } from '@tessera/standalone';
import { expect, it } from 'vitest';
import { serveCommand } from './commands/serve.js';
import { optionGroups } from './option-groups.js';

it('every option of the server is in one group', () => {
  const grouped: string[] = Object.values(optionGroups).flat();
  expect(grouped.toSorted()).toEqual(Object.keys(standaloneConfigSchema.shape).sort());
});

it('serve --help shows the groups one after the other', () => {
  const help = serveCommand().helpInformation();
  const headings = [...help.matchAll(/^([A-Z].*):$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual([...Object.keys(optionGroups), 'Options']);
  expect(help.indexOf('--port')).toBeLessThan(help.indexOf('--kernel'));
});
