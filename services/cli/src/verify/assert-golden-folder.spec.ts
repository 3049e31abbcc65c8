import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { assertGoldenFolder } from './assert-golden-folder.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const cases = [
  [`${here}nope`, /nope: there is no such folder\.$/],
  [fileURLToPath(import.meta.url), /spec\.ts: it is not a folder that can be read\.$/],
  [`${here}unit`, /unit: no reference data here; it would be in the folders cases and unit/],
] as const;
for (const [dir, message] of cases) {
  it(`refuses what ${message} says`, async () => {
    await expect(assertGoldenFolder(dir)).rejects.toMatchObject({
      reason: 'invalid_option',
      message: expect.stringMatching(message),
    });
  });
}

it('takes a folder with cases or vectors', async () => {
  await expect(assertGoldenFolder(here)).resolves.toBeUndefined();
});
