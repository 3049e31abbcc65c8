import { describe, expect, test } from 'vitest';
import { resizeBicubic } from './resize-bicubic.js';
import type { RgbImage } from './rgb-image.js';

/** Every channel of a one-pixel-high picture holds the same row. */
function row(values: readonly number[]): RgbImage {
  return { height: 1, width: values.length, data: Uint8Array.from(values.flatMap((value) => [value, value, value])) };
}

/** v(y, x, c) = (7x + 13y + 29c) mod 256, the picture of the spec's vectors. */
function rampImage(height: number, width: number): RgbImage {
  const data = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return (7 * (pixel % width) + 13 * Math.floor(pixel / width) + 29 * (i % 3)) % 256;
  });
  return { height, width, data };
}

const channel = (image: RgbImage, c: number) => image.data.filter((_, i) => i % 3 === c);
const sum = (values: Uint8Array) => values.reduce((total, value) => total + value, 0);

describe('resizeBicubic', () => {
  test('shrinks and grows a line as Pillow does', () => {
    const table = [
      [
        [0, 50, 100, 150, 200, 250],
        [14, 85, 165, 236],
      ],
      [
        [0, 255, 0, 255],
        [0, 87, 251, 128, 4, 168, 255],
      ],
    ] as const;
    for (const [input, output] of table) {
      const wide = resizeBicubic(row(input), { height: 1, width: output.length });
      expect([...channel(wide, 0)]).toEqual(output);
      const tall = resizeBicubic(
        { ...row(input), height: input.length, width: 1 },
        { height: output.length, width: 1 },
      );
      expect([...channel(tall, 2)]).toEqual(output);
    }
  });

  test('gives the bytes of the reference on a picture resized both ways', () => {
    const out = resizeBicubic(rampImage(30, 45), { height: 28, width: 56 });
    expect([...channel(out, 0).slice(0, 8)]).toEqual([1, 6, 12, 17, 23, 28, 34, 40]);
    expect([...channel(out, 2).slice(28 * 56 - 8)]).toEqual([191, 197, 203, 208, 214, 219, 225, 230]);
    expect([...out.data.subarray((14 * 56 + 28) * 3, (14 * 56 + 29) * 3)]).toEqual([96, 125, 154]);
    expect([0, 1, 2].map((c) => sum(channel(out, c)))).toEqual([195_734, 198_680, 201_588]);
  });

  test('leaves a picture of the right size alone', () => {
    const image = rampImage(28, 56);
    expect(resizeBicubic(image, { height: 28, width: 56 })).toBe(image);
  });
});
