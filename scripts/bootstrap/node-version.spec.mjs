import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainOldNode, minNodeVersion } from './node-version.mjs';

describe('explainOldNode', () => {
  for (const version of ['20.9.0', '20.10.1', '22.0.0', '100.1.2']) {
    it(`lets ${version} pass`, () => expect(explainOldNode(version)).toBeUndefined());
  }

  for (const version of ['20.8.9', '18.20.4', '9.99.99', '0.12.18']) {
    it(`names both versions for ${version}`, () => {
      expect(explainOldNode(version)).toContain('20.9.0');
      expect(explainOldNode(version)).toContain(version);
    });
  }

  it('demands what package.json demands', () => {
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(`${engines.node}.0`).toBe(`>=${minNodeVersion}`);
  });
});
