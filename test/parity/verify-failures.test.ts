import { rmSync, truncateSync } from 'node:fs';
import type { VerifyReport } from '@tessera/cli';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { copyGoldens, type GoldenCopy } from './support/golden-copy.js';
import { createTemporaryFolder } from './support/temporary-folder.js';
import { verifyGoldens } from './support/verify-goldens.js';

const engines = createTemporaryFolder();
afterAll(() => engines.remove());

let copy: GoldenCopy;
afterEach(() => copy.remove());

const failedRungs = ({ rungs }: VerifyReport): string[] =>
  rungs.filter(({ numFailed }) => numFailed > 0).map(({ rung }) => rung);

async function expectFailures(expected: readonly string[]): Promise<void> {
  const report = await verifyGoldens(copy.dir, { cacheDir: engines.path });
  expect(failedRungs(report)).toEqual(expected);
}

describe('a wrong vector of a single function', () => {
  // biome-ignore lint/suspicious/noExplicitAny: each file has a shape of its own
  const wrongVectors: [title: string, rung: string, file: string, spoil: (vectors: any) => void][] = [
    ['an id of a text', '1 tokenizer', 'tokenizer_cases', (v) => v['tiny-flat'].cases[9].ids.push(1)],
    [
      'an id of a user text',
      '1 tokenizer',
      'tokenizer_cases',
      (v) => v['tiny-flat'].cases[9].ids_special_disabled.push(1),
    ],
    [
      'a decoded text',
      '1 tokenizer',
      'tokenizer_cases',
      (v) => (v['tiny-nested'].cases[9].decoded_skip_special += ' '),
    ],
    ['a prefix', '1 tokenizer', 'tokenizer_cases', (v) => (v['tiny-nested'].prefixes[0].decoded_prefixes[1] += ' ')],
    ['the number of tokens', '1 tokenizer', 'tokenizer_cases', (v) => v['tiny-flat'].vocab_size++],
    ['a rendered conversation', '1 chat_template', 'chat_template', (v) => (v.cases[3].rendered += ' ')],
    ['a side', '2 smart_resize', 'smart_resize', (v) => (v.cases[0].resized[0] += 28)],
    ['a refusal', '2 smart_resize', 'smart_resize', (v) => (v.cases[0].resized = null)],
    ['a frame', '2 video_sampling', 'video_sampling', (v) => v.cases[0].frame_indices[3]++],
    ['a refused video', '2 video_sampling', 'video_sampling', (v) => (v.cases[0].error = 'refused')],
    ['the order of windows', '3 window_index', 'window_index', (v) => v.cases[0].window_index.reverse()],
    ['a temporal position', '3 rope_index', 'rope_index', (v) => v.cases[1].position_ids[0][4]++],
    ['the difference to the length', '3 rope_index', 'rope_index', (v) => v.cases[1].rope_delta++],
  ];
  for (const [title, rung, file, spoil] of wrongVectors) {
    it(`fails ${rung} alone: ${title}`, async () => {
      copy = copyGoldens(['unit', 'checkpoints/tiny-flat', 'checkpoints/tiny-nested']);
      copy.editJson(`unit/${file}.json`, spoil);
      await expectFailures([rung]);
    });
  }

  it('fails 2 resample alone: one byte of a picture', async () => {
    copy = copyGoldens(['unit', 'checkpoints/tiny-flat', 'checkpoints/tiny-nested']);
    copy.editTensor('unit/resample.safetensors', 'out_0', (words) => {
      new Uint8Array(words.buffer)[5]! ^= 1;
    });
    await expectFailures(['2 resample']);
  });
});

const caseName = 'tiny-flat/image_odd';
const caseFile = `cases/${caseName}.json`;
const tensorFile = `cases/${caseName}.safetensors`;
const copyCase = (): GoldenCopy => copyGoldens([caseFile, tensorFile, 'checkpoints/tiny-flat']);

describe('a wrong value of a case', () => {
  it('fails nothing as long as it is right', async () => {
    copy = copyCase();
    await expectFailures([]);
  });

  // biome-ignore lint/suspicious/noExplicitAny: reference data of any shape is edited
  const wrongValues: [title: string, rungs: string[], spoil: (record: any) => void][] = [
    ['a word of the prompt', ['4 prompt'], (r) => (r.prompt += ' ')],
    ['the size of a picture', ['4 media'], (r) => r.media[0].tokens++],
    ['the text of the answer', ['4 greedy_text'], (r) => (r.greedy_text += ' ')],
    ['the digest of the patches', ['5 pixel_values sha256'], (r) => (r.pixel_streams.images.sha256_float32_le = '00')],
    ['the last token of the answer', ['4 greedy_text', '9 greedy_tokens'], (r) => r.greedy_tokens[23]--],
    [
      'a token in the middle of the answer, which later ones are forced to follow',
      ['4 greedy_text', '8 decode_logits', '9 greedy_tokens'],
      (r) => r.greedy_tokens[10]--,
    ],
    [
      'the position after the prompt',
      ['4 next_position', '8 decode_logits', '9 greedy_tokens'],
      (r) => r.next_position++,
    ],
  ];
  for (const [title, rungs, spoil] of wrongValues) {
    it(`fails ${rungs.join(', ')} alone: ${title}`, async () => {
      copy = copyCase();
      copy.editJson(caseFile, spoil);
      await expectFailures(rungs);
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: reference data of any shape is edited
  const wrongInputs: [title: string, rung: string, spoil: (record: any) => void][] = [
    ['a token', '4 input_ids', (r) => r.input_ids[20]--],
    ['a position', '4 position_ids', (r) => r.position_ids[1][20]++],
  ];
  for (const [title, rung, spoil] of wrongInputs) {
    it(`fails ${rung}, and all that the decoder computes from it: ${title}`, async () => {
      copy = copyCase();
      copy.editJson(caseFile, spoil);
      const failed = failedRungs(await verifyGoldens(copy.dir, { cacheDir: engines.path }));
      expect(failed.filter((name) => name < '7')).toEqual([rung]);
      expect(failed).toContain('7 logits_last');
    });
  }

  const tensors = {
    vision_patch_embed: '6 vision_patch_embed',
    vision_block_2: '6 vision_block_<i>',
    vision_embeds: '6 vision_embeds',
    inputs_embeds: '7 inputs_embeds',
    hidden_layers: '7 hidden_layers',
    hidden_final_norm: '7 hidden_final_norm',
    logits_last: '7 logits_last',
    logits_all: '7 logits_all',
    decode_logits: '8 decode_logits',
  };
  for (const [tensor, rung] of Object.entries(tensors)) {
    it(`fails ${rung} alone: one float of ${tensor}`, async () => {
      copy = copyCase();
      copy.editTensor(tensorFile, tensor, (values) => {
        values[values.length - 3]! += 5e-4;
      });
      await expectFailures([rung]);
    });
  }
});

describe('what cannot be compared', () => {
  it('is a failure of its checkpoint: a missing configuration', async () => {
    copy = copyCase();
    rmSync(copy.path('checkpoints/tiny-flat/config.json'));
    await expectFailures(['0 checkpoint']);
  });

  it('is a failure of its checkpoint: a truncated shard', async () => {
    copy = copyCase();
    truncateSync(copy.path('checkpoints/tiny-flat/model-00002-of-00002.safetensors'), 1_000_000);
    await expectFailures(['0 checkpoint']);
  });

  it('is a failure of its case: a missing picture', async () => {
    copy = copyCase();
    copy.editJson(caseFile, (record) => {
      record.messages[0].content[0].image = 'media/none.png';
    });
    await expectFailures(['4 prompt', '5 pixel_values']);
  });

  it('is a failure of the folder: nothing at all', async () => {
    copy = copyGoldens([]);
    await expectFailures(['0 folder']);
  });
});
