import { type BlockHash, blockHash, type PageRecord, pageId, sequenceId } from '@tessera/domain';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SeededRandom } from '../seeded-random.js';
import type { ContractBatch, ContractDelta, ContractDirectory } from './contract-directory.js';

/** What every page directory must do. `create` makes an empty one that no epoch has opened. */
export function describePageDirectory(name: string, create: () => Promise<ContractDirectory>): void {
  describe(`${name} as a page directory`, () => {
    let directory: ContractDirectory;
    let numBatches: number;
    beforeEach(async () => {
      directory = await create();
      numBatches = 0;
    });
    afterEach(() => directory.close());

    const write = (batch: Partial<ContractBatch> = {}): ReturnType<ContractDirectory['write']> =>
      directory.write({
        epoch: 1,
        batchId: ++numBatches,
        groupId: 'g0',
        stepId: 7,
        isWhole: false,
        deltas: [],
        ...batch,
      });
    const pagesOf = async (groupId = 'g0'): Promise<readonly PageRecord[] | undefined> =>
      (await directory.read(groupId))?.pages;

    test('knows nothing at first', async () => {
      expect(await directory.groups()).toEqual([]);
      expect(await directory.read('g0')).toBeUndefined();
      expect(await directory.epoch()).toBe(0);
    });

    test('gives back what was written, pages by id, and nothing of free ones', async () => {
      await directory.open(1);
      const deltas = [cachedPage(10, 'a', 3), free(4), ownedPage(2, ['s1', 's2'], 1), hashedPage(3, ['s1'], 'b', 9)];
      expect(await write({ isWhole: true, stepId: 12, deltas })).toBe('written');
      expect(await directory.read('g0')).toEqual({
        groupId: 'g0',
        epoch: 1,
        stepId: 12,
        pages: [ownedPage(2, ['s1', 's2'], 1), hashedPage(3, ['s1'], 'b', 9), cachedPage(10, 'a', 3)],
      });
    });

    test('keeps what later batches do not mention, and drops what they free', async () => {
      await directory.open(1);
      await write({ isWhole: true, deltas: [ownedPage(0), ownedPage(1), ownedPage(2)] });
      await write({ stepId: 8, deltas: [free(0), cachedPage(1, 'a')] });
      expect(await directory.read('g0')).toMatchObject({ stepId: 8, pages: [cachedPage(1, 'a'), ownedPage(2)] });
    });

    test('drops all that it said of a group before a whole batch, and of no other', async () => {
      await directory.open(1);
      await write({ isWhole: true, deltas: [ownedPage(0), ownedPage(1)] });
      await write({ isWhole: true, deltas: [ownedPage(5)], groupId: 'g1' });
      await write({ isWhole: true, deltas: [ownedPage(1)] });
      expect(await pagesOf()).toEqual([ownedPage(1)]);
      expect(await pagesOf('g1')).toEqual([ownedPage(5)]);
    });

    test('says no step while more of a description follows', async () => {
      await directory.open(1);
      await write({ isWhole: true, stepId: undefined, deltas: [ownedPage(0)] });
      expect(await directory.read('g0')).toMatchObject({ stepId: undefined, pages: [ownedPage(0)] });
      await write({ stepId: 3, deltas: [ownedPage(1)] });
      expect(await directory.read('g0')).toMatchObject({ stepId: 3, pages: [ownedPage(0), ownedPage(1)] });
    });

    test('names groups sorted, those without pages too', async () => {
      await directory.open(1);
      for (const groupId of ['g2', 'g10', 'a:b', 'g1']) await write({ groupId, isWhole: true });
      expect(await directory.groups()).toEqual(['a:b', 'g1', 'g10', 'g2']);
      expect(await pagesOf('a:b')).toEqual([]);
    });

    test('forgets a group that is cleared, and no other', async () => {
      await directory.open(1);
      for (const groupId of ['g0', 'g1']) await write({ groupId, isWhole: true, deltas: [ownedPage(0)] });
      await directory.clear(1, 'g0');
      expect(await directory.groups()).toEqual(['g1']);
      expect(await pagesOf()).toBeUndefined();
      expect(await pagesOf('g1')).toEqual([ownedPage(0)]);
    });

    describe('a batch', () => {
      for (const [title, isWhole] of [
        ['of changes', false],
        ['that is whole', true],
      ] as const) {
        test(`${title} changes nothing when it comes again, or after a later one`, async () => {
          await directory.open(1);
          await write({ batchId: 1, isWhole: true, deltas: [ownedPage(0)] });
          const batch = { batchId: 5, isWhole, deltas: [ownedPage(1)] };
          expect(await write(batch)).toBe('written');
          const before = await directory.read('g0');
          for (const batchId of [5, 4, 1]) {
            expect(await write({ ...batch, batchId, deltas: [free(1), ownedPage(9)] })).toBe('repeated');
          }
          expect(await directory.read('g0')).toEqual(before);
        });
      }

      test('counts for its group alone', async () => {
        await directory.open(1);
        await write({ batchId: 5, isWhole: true });
        expect(await write({ batchId: 4, groupId: 'g1', isWhole: true })).toBe('written');
      });

      test('is lost when it is not whole and nothing is known of the group', async () => {
        await directory.open(1);
        expect(await write({ deltas: [ownedPage(0)] })).toBe('lost');
        await write({ isWhole: true });
        await directory.clear(1, 'g0');
        expect(await write({ deltas: [ownedPage(0)] })).toBe('lost');
        expect(await directory.groups()).toEqual([]);
      });

      test('is lost when its epoch was never opened', async () => {
        expect(await write({ isWhole: true })).toBe('lost');
        await directory.open(1);
        expect(await write({ epoch: 2, isWhole: true })).toBe('lost');
        expect(await directory.groups()).toEqual([]);
      });
    });

    describe('a newer epoch', () => {
      beforeEach(async () => {
        await directory.open(9);
        await write({ epoch: 9, isWhole: true, deltas: [ownedPage(0)] });
        await directory.open(10);
      });
      const refusal = { reason: 'epoch_refused', facts: { epoch: 9, openEpoch: 10 } };

      test('is the one that it tells', async () => {
        expect(await directory.epoch()).toBe(10);
        await expect(directory.open(9)).rejects.toMatchObject(refusal);
        expect(await directory.epoch()).toBe(10);
      });

      test('refuses the older one, whatever it wants to change', async () => {
        const before = await directory.read('g0');
        await expect(directory.open(9)).rejects.toMatchObject(refusal);
        await expect(write({ epoch: 9, deltas: [free(0)] })).rejects.toMatchObject(refusal);
        await expect(write({ epoch: 9, isWhole: true })).rejects.toMatchObject(refusal);
        await expect(write({ epoch: 9, isWhole: true, groupId: 'new' })).rejects.toMatchObject(refusal);
        await expect(directory.clear(9, 'g0')).rejects.toMatchObject(refusal);
        expect(await directory.read('g0')).toEqual(before);
        expect(await directory.groups()).toEqual(['g0']);
      });

      test('keeps what was written until it describes the group itself, from batch 1 on', async () => {
        expect(await pagesOf()).toEqual([ownedPage(0)]);
        expect(await write({ epoch: 10, deltas: [free(0)] })).toBe('lost');
        expect(await write({ epoch: 10, batchId: 1, isWhole: true, deltas: [ownedPage(1)] })).toBe('written');
        expect(await directory.read('g0')).toMatchObject({ epoch: 10, pages: [ownedPage(1)] });
      });

      test('may be opened again', async () => {
        await directory.open(10);
        expect(await write({ epoch: 10, isWhole: true })).toBe('written');
      });
    });

    test('agrees with a plain map after any sequence of batches', async () => {
      await directory.open(1);
      const random = new SeededRandom(3);
      const expected = new Map<number, ContractDelta>();
      await write({ isWhole: true });
      for (let step = 0; step < 60; step++) {
        const isWhole = random.uniform() < 0.1;
        if (isWhole) expected.clear();
        const pages = random.shuffle(Array.from({ length: 16 }, (_, page) => page)).slice(0, random.integer(0, 6));
        const deltas = pages.map((page) => randomDelta(random, page));
        for (const delta of deltas) expected.set(delta.pageId, delta);
        expect(await write({ stepId: step, isWhole, deltas })).toBe('written');
        const held = [...expected.values()].filter(({ state }) => state !== 'free');
        expect(await pagesOf()).toEqual(held.sort((a, b) => a.pageId - b.pageId));
      }
    });
  });
}

function randomDelta(random: SeededRandom, page: number): ContractDelta {
  const generation = random.integer(1, 1000);
  return random.pick([
    free(page),
    ownedPage(page, ['s1'], generation),
    hashedPage(page, ['s1', 's2'], 'c', generation),
    cachedPage(page, 'd', generation),
  ]);
}

function free(page: number): ContractDelta {
  return { pageId: pageId(page), state: 'free' };
}

function ownedPage(page: number, sequences: readonly string[] = ['s1'], generation = 1): PageRecord {
  const sequenceIds = sequences.map(sequenceId);
  return { pageId: pageId(page), state: 'owned', blockHash: undefined, sequenceIds, generation };
}

function hashedPage(page: number, sequences: readonly string[], digit: string, generation: number): PageRecord {
  return { ...ownedPage(page, sequences, generation), blockHash: hashOf(digit) };
}

function cachedPage(page: number, digit: string, generation = 1): PageRecord {
  return { pageId: pageId(page), state: 'cached', blockHash: hashOf(digit), sequenceIds: [], generation };
}

function hashOf(digit: string): BlockHash {
  return blockHash(digit.repeat(64));
}
