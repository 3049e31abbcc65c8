import { describe, expect, test } from 'vitest';
import { applyExifOrientation, orientedSize } from './exif-orientation.js';

// Stored as   a b c     upright, by the tag's value:
//             d e f
const upright: Readonly<Record<number, string>> = {
  1: 'abc/def',
  2: 'cba/fed',
  3: 'fed/cba',
  4: 'def/abc',
  5: 'ad/be/cf',
  6: 'da/eb/fc',
  7: 'fc/eb/da',
  8: 'cf/be/ad',
  0: 'abc/def',
  9: 'abc/def',
};

const stored = {
  height: 2,
  width: 3,
  data: Uint8Array.from([...'abcdef'].flatMap((letter) => [letter.charCodeAt(0), 1, 2])),
};

describe('applyExifOrientation', () => {
  for (const [orientation, expected] of Object.entries(upright)) {
    test(`turns a picture stored with orientation ${orientation} upright`, () => {
      const { height, width, data } = applyExifOrientation(stored, Number(orientation));
      const rows = Array.from({ length: height }, (_, y) =>
        Array.from({ length: width }, (_, x) => String.fromCharCode(data[(y * width + x) * 3]!)).join(''),
      );
      expect(rows.join('/')).toBe(expected);
      expect(orientedSize(stored, Number(orientation))).toEqual({ height, width });
      expect([...data.slice(-2)]).toEqual([1, 2]);
    });
  }
});
