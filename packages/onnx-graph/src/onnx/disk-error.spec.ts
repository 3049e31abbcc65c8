import { describe, expect, it } from 'vitest';
import { diskError } from './disk-error.js';

function errno(code: string): Error {
  return Object.assign(new Error(code), { code, path: 'weights.bin' });
}

describe('diskError', () => {
  for (const code of ['ENOSPC', 'EDQUOT']) {
    it(`names ${code} a full disk and keeps the cause`, () => {
      const cause = errno(code);
      expect(diskError(cause)).toMatchObject({ reason: 'disk_full', facts: { path: 'weights.bin' }, cause });
    });
  }

  it('returns every other error as it is', () => {
    for (const error of [errno('EACCES'), new TypeError('bug')]) expect(diskError(error)).toBe(error);
  });
});
