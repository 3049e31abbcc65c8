import { describe, expect, it } from 'vitest';
import { alignColumns } from './align-columns.js';

describe('alignColumns', () => {
  it('makes every column as wide as its widest cell', () => {
    const rows = [
      ['decoder', '617 MB', 'fp32'],
      ['head', '1.24 GB', 'fp32'],
    ];
    expect(alignColumns(rows, ['left', 'right', 'left'])).toEqual(['decoder   617 MB  fp32', 'head     1.24 GB  fp32']);
  });

  it('leaves no spaces at the end of a line', () => {
    expect(
      alignColumns(
        [
          ['a', 'bbb'],
          ['a', 'b'],
        ],
        ['left', 'left'],
      ),
    ).toEqual(['a  bbb', 'a  b']);
  });

  it('has no lines without rows', () => {
    expect(alignColumns([], ['left'])).toEqual([]);
  });
});
