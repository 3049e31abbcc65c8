import { expect, test } from 'vitest';
import { compositeOnWhite } from './composite-on-white.js';

test('opaque pixels stay, clear ones turn white, the rest is mixed with rounding', () => {
  const table = [
    [10, 255, 10],
    [10, 0, 255],
    [0, 128, 127],
    [200, 77, 238],
    [255, 3, 255],
    [0, 254, 1],
  ] as const;
  const data = Uint8Array.from(table.flatMap(([value, alpha]) => [value, value, value, alpha]));
  const out = compositeOnWhite({ height: 1, width: table.length, data });
  expect(out).toMatchObject({ height: 1, width: table.length });
  expect([...out.data]).toEqual(table.flatMap(([, , mixed]) => [mixed, mixed, mixed]));
});
