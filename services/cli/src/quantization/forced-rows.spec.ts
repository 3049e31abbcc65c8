import type { AdmittedSequence, DecoderEngine, StepPlan } from '@tessera/domain';
import { expect, it } from 'vitest';
import { type ForcedPrompt, type ForcedRow, forcedRows } from './forced-rows.js';

const vocabSize = 3;

/** Notes the rows of each step by lane; a row's only layer holds the lane, its logits the lane in every place. */
function recordingDecoder(): { decoder: DecoderEngine; steps: string[]; admitted: AdmittedSequence[] } {
  const steps: string[] = [];
  const admitted: AdmittedSequence[] = [];
  const step = async ({ chunks, capture, ...plan }: StepPlan) => {
    admitted.push(...plan.admitted);
    const rows = chunks.map(({ lane, input, newPages }) => {
      const numTokens = input.kind === 'known' ? input.numTokens : 0;
      return `${lane}:${numTokens}${newPages.length > 0 ? ` pages ${newPages.join('+')}` : ''}`;
    });
    steps.push([...rows, ...plan.released.map((lane) => `${lane} out`)].join(', '));
    const captured = chunks.map(({ lane }) => ({
      lane,
      hiddenLayers: Float32Array.of(lane),
      logits: capture?.logits && new Float32Array(vocabSize).fill(lane),
    }));
    return { stepId: 0, outputs: [], spent: {}, captured };
  };
  const description = { kvLayout: { numPages: 8, pageLen: 16 } };
  return { decoder: { description, step } as unknown as DecoderEngine, steps, admitted };
}

function prompt(id: string, numTokens: number, answer: number[]): ForcedPrompt {
  const tokenIds = Int32Array.from({ length: numTokens }, (_, i) => i);
  const positions = { temporal: tokenIds, height: tokenIds, width: tokenIds, next: numTokens };
  return { id, answer, built: { text: '', tokenIds, visuals: [], positions } };
}

async function collect(decoder: DecoderEngine, prompts: readonly ForcedPrompt[]): Promise<ForcedRow[]> {
  const rows: ForcedRow[] = [];
  for await (const row of forcedRows(decoder, prompts, 2)) rows.push(row);
  return rows;
}

it('computes a first token, chunks of the prompt, then the answer token by token', async () => {
  const { decoder, steps, admitted } = recordingDecoder();
  const rows = await collect(decoder, [prompt('a', 40, [7, 8])]);
  expect([...admitted[0].tokenIds.slice(-3)]).toEqual([39, 7, 8]);
  expect(steps).toEqual(['', '0:1 pages 0+1+2', '0:32', '0:6', '0:1', '0:1', '0:1', '0 out']);
  expect(rows.map(({ token }) => token)).toEqual([0, 32, 38, 39, 40, 41]);
});

it('has logits from the last token of the prompt on, and what comes next until the answer ends', async () => {
  const rows = await collect(recordingDecoder().decoder, [prompt('a', 3, [7, 8])]);
  expect(rows.map(({ token, logits, nextToken }) => [token, logits !== undefined, nextToken])).toEqual([
    [0, false, undefined],
    [1, false, undefined],
    [2, true, 7],
    [3, true, 8],
    [4, true, undefined],
  ]);
});

it('runs prompts side by side, the shorter ones waiting at the end of each part', async () => {
  const { decoder, steps } = recordingDecoder();
  const rows = await collect(decoder, [prompt('a', 2, [5]), prompt('b', 3, []), prompt('c', 2, [])]);
  expect(steps).toEqual([
    ...['', '0:1 pages 0, 1:1 pages 4', '1:1', '0:1, 1:1', '0:1', '0 out, 1 out'],
    ...['', '0:1 pages 0', '0:1', '0 out'],
  ]);
  expect(rows.map(({ prompt: id, layers }) => `${id}${layers[0]}`)).toEqual([
    'a0',
    'b1',
    'b1',
    'a0',
    'b1',
    'a0',
    'c0',
    'c0',
  ]);
});

it('throws when a prompt has no room in its lane', async () => {
  await expect(collect(recordingDecoder().decoder, [prompt('a', 65, [])])).rejects.toThrow('a needs 5 pages');
});
