import type { EngineManifest } from '@tessera/onnx-graph';
import { expect, test } from 'vitest';
import { engineDigest } from './engine-digest.js';

const files = ['a.onnx', 'b.onnx'].map((path) => ({ path, numBytes: 1, sha256: `digest of ${path}` }));
const manifestOf = (given: object): EngineManifest =>
  ({ modelRevision: 'r', options: { numRanks: 2 }, files, ...given }) as unknown as EngineManifest;

test('an engine is the same whatever order its files were written in and machine it was probed on', () => {
  const digest = engineDigest(manifestOf({}));
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(engineDigest(manifestOf({ files: files.toReversed(), rowInvariance: { numThreads: 3 } }))).toBe(digest);
});

for (const [what, given] of [
  ['checkpoint', { modelRevision: 's' }],
  ['degree', { options: { numRanks: 4 } }],
  ['file', { files: [files[0], { ...files[1], sha256: 'another' }] }],
] as const) {
  test(`an engine of another ${what} is another one`, () => {
    expect(engineDigest(manifestOf(given))).not.toBe(engineDigest(manifestOf({})));
  });
}
