import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundledModelDir } from '@tessera/standalone';
import { describe, expect, it } from 'vitest';
import type { EvalItem } from './eval-items.js';
import { type AnswerScores, meanScores, scoreAnswer } from './score-answers.js';

interface Reference {
  readonly id: string;
  readonly seen: readonly [number, number];
  readonly text: string;
  readonly scores: AnswerScores;
}

function readLines<Line>(name: string): Line[] {
  const text = readFileSync(join(bundledModelDir, 'eval', name), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

const items = new Map(readLines<EvalItem>('eval.jsonl').map((item) => [item.id, item]));
const references = readLines<Reference>('reference.jsonl');

const item = (id: string) => ({ ...(items.get(id) as EvalItem), seen: [84, 84] as const });

describe('an answer', () => {
  it('is worth what the reference scorer found', () => {
    for (const { id, seen, text, scores } of references) {
      const found = scoreAnswer({ ...(items.get(id) as EvalItem), seen }, text);
      expect(Object.keys(found), id).toEqual(Object.keys(scores));
      for (const [name, value] of Object.entries(scores)) expect(found[name], `${id} ${name}`).toBeCloseTo(value, 12);
    }
  });

  for (const [id, text, worst] of [
    ['ocr_000', 'entirely something else', { exact: 0, cer: 1 }],
    ['ground_000', 'no box at all', { 'acc@0.5': 0, mean_iou: 0, count_right: 0 }],
    ['ground_000', '"bbox_2d": [1, 2, 3], "label": "green square"', { 'acc@0.5': 0, mean_iou: 0, count_right: 0 }],
    ['point_000', '"point_2d": [26]', { within_8px: 0 }],
    ['table_000', '<td>dec</td>', { exact_cells: 0, cell_acc: 0 }],
    ['video_000', '{"start": 1.0}', { iou: 0, exact: 0 }],
  ] as const) {
    it(`without what ${id} asks for is worth nothing: ${text}`, () => {
      expect(scoreAnswer(item(id), text)).toEqual(worst);
    });
  }
});

it('gives the mean of each measure by task, in percent', () => {
  const scored: { task: string; scores: AnswerScores }[] = [
    { task: 'ocr', scores: { exact: 1, cer: 0.25 } },
    { task: 'count', scores: { exact: 1 } },
    { task: 'ocr', scores: { exact: 0, cer: 0.75 } },
  ];
  expect(meanScores(scored)).toEqual({ ocr: { exact: 50, cer: 50 }, count: { exact: 100 } });
});
