import { type AxisKernel, bicubicKernel, fractionBits } from './bicubic-kernel.js';
import type { ImageSize, RgbImage } from './rgb-image.js';

const half = 1 << (fractionBits - 1);

/**
 * Resizes with Pillow's antialiased bicubic filter, bit for bit (spec §3.5): integer weights, rows first, rounded to
 * bytes between the passes; a pass along a side that keeps its length is left out. Pillow 13 may run columns first.
 */
export function resizeBicubic(image: RgbImage, size: ImageSize): RgbImage {
  const narrowed = image.width === size.width ? image : resizeRows(image, size.width);
  return narrowed.height === size.height ? narrowed : resizeColumns(narrowed, size.height);
}

function resizeRows({ data, height, width }: RgbImage, outWidth: number): RgbImage {
  const { starts, numTaps, weights, maxTaps } = bicubicKernel(width, outWidth);
  const out = new Uint8ClampedArray(height * outWidth * 3);
  let target = 0;
  for (let y = 0; y < height; y++) {
    const row = y * width * 3;
    for (let x = 0; x < outWidth; x++) {
      let source = row + starts[x]! * 3;
      let tap = x * maxTaps;
      // Sums stay within int32: 255 · 1.3 · 2^22 < 2^31.
      let red = half;
      let green = half;
      let blue = half;
      for (const end = tap + numTaps[x]!; tap < end; tap++, source += 3) {
        const weight = weights[tap]!;
        red = (red + Math.imul(data[source]!, weight)) | 0;
        green = (green + Math.imul(data[source + 1]!, weight)) | 0;
        blue = (blue + Math.imul(data[source + 2]!, weight)) | 0;
      }
      out[target] = red >> fractionBits;
      out[target + 1] = green >> fractionBits;
      out[target + 2] = blue >> fractionBits;
      target += 3;
    }
  }
  return { height, width: outWidth, data: new Uint8Array(out.buffer) };
}

function resizeColumns({ data, height, width }: RgbImage, outHeight: number): RgbImage {
  const kernel = bicubicKernel(height, outHeight);
  const rowLength = width * 3;
  const out = new Uint8ClampedArray(outHeight * rowLength);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < outHeight; y++) {
    addWeightedRows(sums, data, kernel, y);
    const row = y * rowLength;
    for (let i = 0; i < rowLength; i++) out[row + i] = sums[i]! >> fractionBits;
  }
  return { height: outHeight, width, data: new Uint8Array(out.buffer) };
}

/** Whole rows at a time, so that memory is read in order. */
function addWeightedRows(sums: Int32Array, data: Uint8Array, kernel: AxisKernel, y: number): void {
  sums.fill(half);
  for (let tap = 0; tap < kernel.numTaps[y]!; tap++) {
    const weight = kernel.weights[y * kernel.maxTaps + tap]!;
    let source = (kernel.starts[y]! + tap) * sums.length;
    for (let i = 0; i < sums.length; i++, source++) sums[i] = sums[i]! + Math.imul(data[source]!, weight);
  }
}
