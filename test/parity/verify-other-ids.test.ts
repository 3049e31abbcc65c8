import { formatFailure } from '@tessera/cli';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyGoldens, type GoldenCopy } from './support/golden-copy.js';
import { renumberAddedTokens } from './support/renumber-added-tokens.js';
import { createTemporaryFolder } from './support/temporary-folder.js';
import { verifyGoldens } from './support/verify-goldens.js';

const engines = createTemporaryFolder();
const caseFiles = ['json', 'safetensors'].map((ending) => `cases/tiny-nested/video_fps1.${ending}`);
let copy: GoldenCopy;
beforeEach(() => {
  copy = copyGoldens(['checkpoints/tiny-nested', ...caseFiles]);
  renumberAddedTokens(copy, ['video_fps1']);
});
afterEach(() => copy.remove());
afterAll(() => engines.remove());

describe('a checkpoint whose special tokens have other ids', () => {
  it('agrees with its reference on every rung, without vectors of single functions', async () => {
    const report = await verifyGoldens(copy.dir, { cacheDir: engines.path, chunkLens: [7], numRanks: [1, 2] });
    expect(report.failures.map(formatFailure)).toEqual([]);
    expect(report.rungs.map(({ rung }) => rung)).toContain('9 greedy_tokens');
  });

  it('does not agree any more when one of them is taken from elsewhere', async () => {
    copy.editJson('checkpoints/tiny-nested/config.json', (config) => config.video_token_id++);
    const report = await verifyGoldens(copy.dir, { cacheDir: engines.path });
    expect(report.failures.map(({ rung }) => rung)).toContain('4 prompt');
  });
});
