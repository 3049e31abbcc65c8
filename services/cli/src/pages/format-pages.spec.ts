import { blockHash, pageId, sequenceId } from '@tessera/domain';
import { expect, it } from 'vitest';
import { formatPages } from './format-pages.js';
import { bookOfDirectory, bookOfGroup, bookOfScheduler } from './page-book.js';

const pages = [
  {
    pageId: pageId(3),
    state: 'owned',
    blockHash: undefined,
    sequenceIds: [sequenceId('s1'), sequenceId('s2')],
    generation: 7,
  },
  { pageId: pageId(11), state: 'cached', blockHash: blockHash('ab'.repeat(32)), sequenceIds: [], generation: 12 },
] as const;

it('shows what the scheduler holds, group by group, with the pages that are free', () => {
  const groups = [
    { groupId: 'g0', numPages: 16, pages, seals: [] },
    { groupId: 'g1', numPages: 16, pages: [], seals: [] },
  ];
  const book = bookOfScheduler({ epoch: 4, numRunning: 2, numWaiting: 1, groups });
  expect(formatPages(book)).toBe(`scheduler: 2 requests run, 1 wait

group g0, epoch 4: 1 owned, 1 cached, 14 free of 16
page  state   generation  hash          held by
   3  owned            7  –             s1, s2
  11  cached          12  abababababab

group g1, epoch 4: 0 owned, 0 cached, 16 free of 16`);
});

it('shows as of which step the directory speaks', () => {
  const book = bookOfDirectory([{ groupId: 'g0', epoch: 4, stepId: 90, pages: [] }]);
  expect(formatPages(book)).toBe('directory\n\ngroup g0, epoch 4, step 90: 0 owned, 0 cached');
});

it('says that a directory is empty', () => {
  expect(formatPages(bookOfDirectory([]))).toBe('directory\n\nno groups');
});

it('shows one group, or says which there are', () => {
  const groups = ['g0', 'g1'].map((groupId) => ({ groupId, epoch: 1, stepId: 1, pages }));
  const book = bookOfDirectory(groups);
  expect(bookOfGroup(book, 'g1').groups).toEqual([groups[1]]);
  expect(() => bookOfGroup(book, 'g2')).toThrow('--group: there is no group g2; there are: g0, g1.');
  expect(() => bookOfGroup(bookOfDirectory([]), 'g2')).toThrow('there are: none.');
});
