import { blockHash, laneId, pageId, type Seal, type StepPlan, type StepResult } from '@tessera/domain';
import { createAdmittedSequence, createStepPlan, decodeChunk, knownChunk, pageIds } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { SealBook } from './seal-book.js';

const [lane0, lane1] = [0, 1].map(laneId);
const sealOf = (page: number, generation = 1): Seal => ({
  pageId: pageId(page),
  blockHash: blockHash(page.toString(16).padStart(64, '0')),
  generation,
});
const seals = (...pages: readonly number[]): Seal[] => pages.map((page) => sealOf(page));

/** A result in which these lanes had no token to choose. */
const resultOf = ({ stepId, chunks }: StepPlan, numberless: readonly number[] = []): StepResult => ({
  stepId,
  outputs: chunks.map(({ lane }) => ({
    sequenceId: createAdmittedSequence({ lane }).sequenceId,
    lane,
    tokens: numberless.includes(lane) ? [] : [{ tokenId: 1, outputIndex: 0 }],
  })),
  spent: { totalMs: 0, matmulMs: 0, attentionMs: 0, allReduceMs: 0, samplingMs: 0 },
});

describe('SealBook', () => {
  let book: SealBook;
  beforeEach(() => {
    book = new SealBook();
  });

  const run = (given: Partial<StepPlan>, numberless: readonly number[] = []): void => {
    const plan = createStepPlan(given);
    book.begin(plan);
    book.end(resultOf(plan, numberless));
  };

  test('has what a step said once it has run, not before', () => {
    const plan = createStepPlan({ seals: seals(1, 2) });
    book.begin(plan);
    expect(book.seals).toEqual([]);
    book.end(resultOf(plan));
    expect(book.seals).toEqual(seals(1, 2));
  });

  test('has nothing of a step that failed', () => {
    book.begin(createStepPlan({ seals: seals(1) }));
    book.end(undefined);
    expect(book.seals).toEqual([]);
  });

  test('drops a seal before its page is written, even if that step fails', () => {
    run({ seals: seals(1, 2) });
    book.begin(createStepPlan({ chunks: [knownChunk(lane0, 1, { newPages: pageIds(2) })] }));
    expect(book.seals).toEqual(seals(1));
    book.end(undefined);
    expect(book.seals).toEqual(seals(1));
  });

  test('keeps the seals of pages that a sequence finds cached', () => {
    run({ seals: seals(1) });
    run({ admitted: [createAdmittedSequence({ pages: pageIds(1) })], chunks: [knownChunk(lane0, 1)] });
    expect(book.seals).toEqual(seals(1));
  });

  test('takes the newest seal of a page', () => {
    run({ seals: seals(1) });
    run({ seals: [sealOf(1, 2)] });
    expect(book.seals).toEqual([sealOf(1, 2)]);
  });

  test('does not take a seal of a page that a later step, begun meanwhile, gives away', () => {
    const [first, second] = [
      createStepPlan({ stepId: 0, seals: seals(1, 2) }),
      createStepPlan({ stepId: 1, chunks: [knownChunk(lane0, 1, { newPages: pageIds(2) })] }),
    ];
    book.begin(first);
    book.begin(second);
    book.end(resultOf(first));
    expect(book.seals).toEqual(seals(1));
    book.end(resultOf(second));
    expect(book.seals).toEqual(seals(1));
  });

  describe('of a sequence that is not of numbers', () => {
    test('takes no seal of its pages, cached ones included, and those of others', () => {
      run({
        admitted: [createAdmittedSequence({ lane: lane0, pages: pageIds(1) }), createAdmittedSequence({ lane: lane1 })],
        chunks: [knownChunk(lane0, 1, { newPages: pageIds(2) }), knownChunk(lane1, 1, { newPages: pageIds(3) })],
      });
      run({ chunks: [decodeChunk(lane0), decodeChunk(lane1)], seals: seals(1, 2, 3) }, [lane0]);
      expect(book.seals).toEqual(seals(3));
    });

    test('drops the seals that its pages had', () => {
      run({
        admitted: [createAdmittedSequence({ pages: pageIds(1) })],
        chunks: [knownChunk(lane0, 1, { newPages: pageIds(2) })],
        seals: seals(1, 2, 3),
      });
      run({ chunks: [decodeChunk(lane0)] }, [lane0]);
      expect(book.seals).toEqual(seals(3));
    });

    test('knows only the pages that its lane has now', () => {
      run({ admitted: [createAdmittedSequence()], chunks: [knownChunk(lane0, 1, { newPages: pageIds(1) })] });
      run({ released: [lane0], admitted: [createAdmittedSequence()], chunks: [knownChunk(lane0, 1)] });
      run({ chunks: [decodeChunk(lane0)], seals: seals(1) }, [lane0]);
      expect(book.seals).toEqual(seals(1));
    });
  });

  test('keeps seals when all sequences go', () => {
    run({ admitted: [createAdmittedSequence({ pages: pageIds(1) })], seals: seals(1) });
    book.releaseAll();
    run({ chunks: [decodeChunk(lane0)], seals: seals(1, 2) }, [lane0]);
    expect(book.seals).toEqual(seals(1, 2));
  });

  test('counts its steps', () => {
    expect(() => book.end(undefined)).toThrow('A step ended that did not begin.');
  });
});
