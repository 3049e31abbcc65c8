import { beforeEach, describe, expect, test } from 'vitest';
import type { AttentionSpan } from '../paged-attention.js';
import { AttentionJob } from './attention-job.js';
import { type AttentionCapacity, type KvMemoryPlan, planMemories } from './kv-memory-plan.js';

const shape = { numLayers: 1, numHeads: 4, numKvHeads: 2, headDim: 8 };
const capacity: AttentionCapacity = { numPages: 8, maxRows: 6, maxSpans: 2, maxPositions: 40, numThreads: 1 };

describe('AttentionJob', () => {
  let plan: KvMemoryPlan;
  let memory: WebAssembly.Memory;
  let job: AttentionJob;
  beforeEach(() => {
    [plan] = planMemories(shape, capacity, 512);
    memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
    job = new AttentionJob(memory, plan, shape, capacity);
  });

  const words = (offset: number, length: number): number[] => [...new Uint32Array(memory.buffer, offset, length)];

  test('says of each row how many positions it sees, and where their pages stand', () => {
    job.setSpans([
      { firstRow: 0, numRows: 2, firstPosition: 15, pages: [5, 2, 7] },
      { firstRow: 2, numRows: 1, firstPosition: 0, pages: [3] },
    ]);
    const [first, second] = [plan.pageTables, plan.pageTables + 8];
    expect(words(plan.rowTable, 6)).toEqual([16, first, 17, first, 1, second]);
    expect(words(plan.pageTables, 3)).toEqual([5, 2, 3]);
    expect(job.numRows).toBe(3);
  });

  test('knows when every item is finished, and gives up waiting for one that never is', () => {
    job.setSpans([{ firstRow: 0, numRows: 3, firstPosition: 0, pages: [4] }]);
    job.open(1);
    const finishedItems = new Uint32Array(memory.buffer, plan.job + 8, 1);
    finishedItems[0] = 5;
    expect(job.blockUntilFinished()).toBe(false);
    finishedItems[0] = 6;
    expect(job.blockUntilFinished()).toBe(true);
  });

  const span = (given: Partial<AttentionSpan>): AttentionSpan => ({
    firstRow: 0,
    numRows: 1,
    firstPosition: 0,
    pages: [0, 1, 2],
    ...given,
  });
  for (const [title, spans, message] of [
    ['more spans than planned', [0, 1, 2].map((firstRow) => span({ firstRow })), '3 spans in a step of at most 2'],
    ['more rows than planned', [span({ numRows: 7 })], '7 rows in a step of at most 6'],
    ['a longer sequence than planned', [span({ firstPosition: 40 })], '41 positions in a sequence of at most 40'],
    ['spans that leave a row out', [span({}), span({ firstRow: 2 })], 'begins at row 2 instead of 1'],
  ] as const) {
    test(`refuses ${title}, and writes nothing`, () => {
      expect(() => job.setSpans(spans)).toThrow(message);
      expect(words(plan.rowTable, 12)).toEqual(new Array(12).fill(0));
    });
  }
});
