import { blockHash, pageId, type Seal } from '@tessera/domain';
import { expect, test } from 'vitest';
import { commonSeals } from './common-seals.js';

const sealOf = (page: number, given: Partial<Seal> = {}): Seal => ({
  pageId: pageId(page),
  blockHash: blockHash('ab'.repeat(32)),
  generation: 1,
  ...given,
});

test('seals count when all ranks have them alike', () => {
  const [page1, page2, page3] = [1, 2, 3].map((page) => sealOf(page));
  const byRank = [
    [page3, page1, page2, sealOf(4)],
    [page1, sealOf(2, { generation: 2 }), page3, sealOf(4)],
    [page1, page2, page3, sealOf(4, { blockHash: blockHash('cd'.repeat(32)) })],
  ];
  expect(commonSeals(byRank)).toEqual([page3, page1]);
});

test('all seals of a rank alone count', () => {
  expect(commonSeals([[sealOf(2), sealOf(1)]])).toEqual([sealOf(2), sealOf(1)]);
});
