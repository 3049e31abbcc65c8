import { formatFailure, type VerifyReport } from '@tessera/cli';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTemporaryFolder } from './support/temporary-folder.js';
import { goldensDir, verifyGoldens } from './support/verify-goldens.js';

const engines = createTemporaryFolder();
afterAll(() => engines.remove());

const decoderRungs = [
  '7 hidden_final_norm',
  '7 hidden_layers',
  '7 inputs_embeds',
  '7 logits_all',
  '7 logits_last',
  '8 decode_logits',
  '9 greedy_tokens',
];

const allRungs = [
  '1 chat_template',
  '1 tokenizer',
  '2 resample',
  '2 smart_resize',
  '2 video_sampling',
  '3 rope_index',
  '3 window_index',
  '4 greedy_text',
  '4 input_ids',
  '4 media',
  '4 next_position',
  '4 position_ids',
  '4 prompt',
  '5 pixel_values sha256',
  '6 vision_block_<i>',
  '6 vision_embeds',
  '6 vision_patch_embed',
  ...decoderRungs,
];

const wholePrompt = Number.POSITIVE_INFINITY;

const runs = {
  'prompts whole and in chunks of 1, 7 and 16, alone and in batches of 8, on 1 and 2 ranks': {
    chunkLens: [1, 7, 16, wholePrompt],
    batchSizes: [1, 8],
    numRanks: [1, 2],
  },
  '4 ranks': { batchSizes: [8], numRanks: [4] },
  'the plain kernel': { kernel: 'plain', chunkLens: [16], batchSizes: [8] },
} as const;

for (const [title, options] of Object.entries(runs)) {
  describe(`the engine with ${title}`, () => {
    let report: VerifyReport;
    beforeAll(async () => {
      report = await verifyGoldens(goldensDir, { cacheDir: engines.path, ...options });
    });

    for (const rung of allRungs) {
      it(`agrees with the reference on rung ${rung}`, () => {
        expect(report.failures.filter((check) => check.rung === rung).map(formatFailure)).toEqual([]);
        expect(report.rungs.find((summary) => summary.rung === rung)?.numPassed).toBeGreaterThan(0);
      });
    }

    it('has no other rung and leaves nothing out', () => {
      expect(report.rungs.map(({ rung }) => rung)).toEqual(allRungs);
      expect(report.notApplicable).toEqual([]);
    });
  });
}

describe('a degree by which a checkpoint cannot be split', () => {
  it('is told apart from a failure', async () => {
    const report = await verifyGoldens(goldensDir, { cacheDir: engines.path, numRanks: [3] });
    expect(report.failures.map(formatFailure)).toEqual([]);
    expect(report.notApplicable.map(({ subject }) => subject)).toEqual([
      'mini-real, tp 3',
      'tiny-flat, tp 3',
      'tiny-nested, tp 3',
    ]);
    expect(report.rungs.map(({ rung }) => rung)).toEqual(allRungs.filter((rung) => !decoderRungs.includes(rung)));
  });
});
