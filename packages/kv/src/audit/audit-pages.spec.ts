import { blockHash, type PageId, type PageRecord, pageId, type Seal, sequenceId } from '@tessera/domain';
import { describe, expect, test } from 'vitest';
import type { DirectoryGroup } from '../directory/page-directory.js';
import { auditPages } from './audit-pages.js';
import { type DifferenceKind, differenceKinds } from './page-difference.js';

const cached = record(1, { state: 'cached', blockHash: blockHash('x'), sequenceIds: [], generation: 3 });
const hashed = record(2, { blockHash: blockHash('y'), generation: 5 });
const unhashed = record(3, { generation: 2 });

function record(page: number, given: Partial<PageRecord> = {}): PageRecord {
  const defaults = { state: 'owned', blockHash: undefined, sequenceIds: [sequenceId('s1')], generation: 1 } as const;
  return { pageId: pageId(page), ...defaults, ...given };
}

function seal(page: number, hash: string, generation: number): Seal {
  return { pageId: pageId(page), blockHash: blockHash(hash), generation };
}

const allSeals = [seal(1, 'x', 3), seal(2, 'y', 5)];

interface Books {
  readonly pages: readonly PageRecord[];
  readonly rank0: readonly Seal[];
  readonly rank1: readonly Seal[];
  readonly directory: readonly DirectoryGroup[] | undefined;
}

/** Three books that agree, but for what is given. */
function audit(given: Partial<Books>): ReturnType<typeof auditPages> {
  const pages = given.pages ?? [cached, hashed, unhashed];
  const directory = 'directory' in given ? given.directory : [described({ pages })];
  const seals = [given.rank0 ?? allSeals, given.rank1 ?? allSeals].map((held, rank) => ({ rank, seals: held }));
  const groups = [{ groupId: 'g0', numPages: 8, pages, seals }];
  return auditPages({ inspection: { epoch: 4, numWaiting: 0, numRunning: 1, groups }, directory });
}

function described(given: Partial<DirectoryGroup> = {}): DirectoryGroup {
  return { groupId: 'g0', epoch: 4, stepId: 1, pages: [cached, hashed, unhashed], ...given };
}

function summary(given: Partial<Books>): [DifferenceKind, PageId | undefined, number | undefined][] {
  return audit(given).map(({ kind, pageId: page, rank }) => [kind, page, rank]);
}

describe('auditPages', () => {
  test('finds nothing where all agree', () => {
    expect(audit({})).toEqual([]);
    expect(audit({ pages: [], rank0: [], rank1: [] })).toEqual([]);
  });

  test('compares with no directory when none can be reached', () => {
    expect(audit({ directory: undefined })).toEqual([]);
    expect(audit({ directory: undefined, rank1: [] })).toHaveLength(2);
  });

  for (const [title, given, expected] of [
    ['a page that the pool does not have', { pages: [record(8)], rank0: [], rank1: [] }, [['page_unknown', 8]]],
    ['a page that is recorded twice', { pages: [unhashed, unhashed], rank0: [], rank1: [] }, [['page_twice', 3]]],
    [
      'two pages with one content',
      {
        pages: [cached, record(2, { blockHash: blockHash('x'), generation: 5 })],
        rank0: [seal(1, 'x', 3), seal(2, 'x', 5)],
      },
      [
        ['hash_twice', 2],
        ['seal_contradicts', 2, 1],
        ['ranks_contradict', 2, 1],
      ],
    ],
    [
      'a cached page without a hash',
      { pages: [record(4, { state: 'cached', sequenceIds: [] })], rank0: [], rank1: [] },
      [['cached_without_hash', 4]],
    ],
    ['a cached page that is held', { pages: [{ ...hashed, state: 'cached' }, cached] }, [['cached_with_holders', 2]]],
    ['an owned page of nobody', { pages: [{ ...hashed, sequenceIds: [] }, cached] }, [['owned_without_holders', 2]]],
    ['a hashed page that a rank has not sealed', { rank1: [seal(2, 'y', 5)] }, [['unsealed', 1, 1]]],
    ['a seal on a page that is free', { rank0: [...allSeals, seal(6, 'z', 1)] }, [['seal_on_free_page', 6, 0]]],
    ['a seal on a page without a hash', { rank0: [...allSeals, seal(3, 'z', 2)] }, [['seal_without_hash', 3, 0]]],
    [
      'a seal of an older generation',
      { rank0: [seal(1, 'w', 2), seal(2, 'y', 5)] },
      [['seal_of_other_generation', 1, 0]],
    ],
    [
      'a seal of a newer generation',
      { rank0: [seal(1, 'x', 4), seal(2, 'y', 5)] },
      [['seal_of_other_generation', 1, 0]],
    ],
    [
      'a seal of a page that the pool does not have',
      { rank1: [...allSeals, seal(8, 'z', 1)] },
      [['sealed_page_unknown', 8, 1]],
    ],
    [
      'a seal of the same generation with another hash',
      { rank0: [seal(1, 'w', 3), seal(2, 'y', 5)], rank1: [seal(1, 'w', 3), seal(2, 'y', 5)] },
      [
        ['seal_contradicts', 1, 0],
        ['seal_contradicts', 1, 1],
      ],
    ],
    [
      'ranks that sealed one page of one generation differently',
      { rank0: [...allSeals, seal(6, 'w', 1)], rank1: [...allSeals, seal(6, 'z', 1)] },
      [
        ['seal_on_free_page', 6, 0],
        ['seal_on_free_page', 6, 1],
        ['ranks_contradict', 6, 1],
      ],
    ],
    ['a directory without the group', { directory: [] }, [['directory_lacks_group']]],
    [
      'a directory of an older epoch',
      { directory: [described({ epoch: 3, pages: [] })] },
      [['directory_of_older_epoch']],
    ],
    [
      'a directory of a newer epoch',
      { directory: [described({ epoch: 5, pages: [] })] },
      [['directory_of_newer_epoch']],
    ],
    [
      'a directory that is being written',
      { directory: [described({ stepId: undefined, pages: [] })] },
      [['directory_incomplete']],
    ],
    [
      'a group that only the directory has',
      { directory: [described(), described({ groupId: 'g9' })] },
      [['directory_has_other_group']],
    ],
    [
      'pages that the directory has in another state',
      {
        directory: [
          described({ pages: [cached, record(3, { generation: 2, sequenceIds: [sequenceId('s2')] }), record(7)] }),
        ],
      },
      [
        ['directory_differs', 2],
        ['directory_differs', 3],
        ['directory_differs', 7],
      ],
    ],
    [
      'a page that the directory has under another hash',
      { directory: [described({ pages: [{ ...cached, blockHash: blockHash('w') }, hashed, unhashed] })] },
      [['directory_contradicts', 1]],
    ],
  ] as [string, Partial<Books>, [DifferenceKind, number?, number?][]][]) {
    test(`names ${title}`, () => {
      expect(summary(given)).toEqual(expected.map(([kind, page, rank]) => [kind, page, rank]));
    });
  }

  test('calls two holders the same in any order', () => {
    const both = ['s1', 's2'].map(sequenceId);
    const pages = [{ ...hashed, sequenceIds: both }];
    const directory = [described({ pages: [{ ...hashed, sequenceIds: [...both].reverse() }] })];
    expect(summary({ pages, directory, rank0: [seal(2, 'y', 5)], rank1: [seal(2, 'y', 5)] })).toEqual([]);
  });

  test('says how bad a difference is and who says what', () => {
    expect(audit({ rank0: [seal(1, 'w', 3), seal(2, 'y', 5)] })[0]).toEqual({
      kind: 'seal_contradicts',
      severity: differenceKinds.seal_contradicts,
      groupId: 'g0',
      pageId: 1,
      rank: 0,
      sentence: 'Rank 0 sealed page 1, generation 3, with w; the scheduler has it cached in generation 3, with x.',
    });
    expect(audit({ directory: [described({ epoch: 5 })] })[0]).toMatchObject({
      severity: 'lag',
      sentence: 'The directory is of epoch 5, the scheduler of 4.',
    });
    expect(audit({ directory: [described({ pages: [hashed, unhashed] })] })[0]).toMatchObject({
      severity: 'lag',
      sentence: 'Page 1: the scheduler has it cached in generation 3 with x, the directory free.',
    });
  });
});
