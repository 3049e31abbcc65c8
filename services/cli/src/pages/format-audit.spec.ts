import type { PageDifference } from '@tessera/kv';
import { expect, it } from 'vitest';
import { formatAudit } from './format-audit.js';

const inspection = {
  epoch: 1,
  numRunning: 0,
  numWaiting: 0,
  groups: [{ groupId: 'g0', numPages: 8, pages: [], seals: [{ rank: 0, seals: [] }] }],
};

it('lists differences from the worst on, and counts them', () => {
  const place = { groupId: 'g0', pageId: undefined, rank: undefined };
  const differences: PageDifference[] = [
    { ...place, kind: 'seal_on_free_page', severity: 'harmless', rank: 0, sentence: 'Rank 0 sealed page 3.' },
    { ...place, kind: 'directory_differs', severity: 'lag', sentence: 'Page 1 differs.' },
    { ...place, kind: 'hash_twice', severity: 'wrong', sentence: 'A hash is there twice.' },
  ];
  expect(formatAudit(inspection, differences)).toBe(`wrong     hash_twice         g0    A hash is there twice.
lag       directory_differs  g0    Page 1 differs.
harmless  seal_on_free_page  g0/0  Rank 0 sealed page 3.

audit: 0 pages, 1 groups, 1 ranks: 1 wrong, 1 lag, 1 harmless`);
});

it('says of sound books how many there are', () => {
  expect(formatAudit(inspection, [])).toBe('audit: 0 pages, 1 groups, 1 ranks: 0 wrong, 0 lag, 0 harmless');
});
