import type { RgbaImage, RgbImage } from './rgb-image.js';

/** Lays a transparent picture on white, rounding as Pillow's paste does: (t + (t >> 8)) >> 8 for t = value · 255 + 128. */
export function compositeOnWhite({ height, width, data }: RgbaImage): RgbImage {
  const numPixels = height * width;
  const out = new Uint8Array(numPixels * 3);
  for (let pixel = 0, source = 0, target = 0; pixel < numPixels; pixel++, source += 4, target += 3) {
    const alpha = data[source + 3]!;
    const white = 255 * (255 - alpha) + 128;
    for (let channel = 0; channel < 3; channel++) {
      const value = data[source + channel]! * alpha + white;
      out[target + channel] = (value + (value >> 8)) >> 8;
    }
  }
  return { height, width, data: out };
}
