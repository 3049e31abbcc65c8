import { ServingError } from '@tessera/domain';
import {
  applyExifOrientation,
  compositeOnWhite,
  type ImageSize,
  orientedSize,
  type RgbImage,
  resizeBicubic,
} from '@tessera/qwen2-5-vl';
import { cmykToRgb } from './cmyk-to-rgb.js';
import type { DecodeOrder } from './decode-job.js';
import { explainSharpError } from './explain-sharp-error.js';
import { sharp } from './restricted-sharp.js';

/** What the header says: the stored size, EXIF's Orientation (1 when absent) and whether the colours are inks. */
interface PictureHeader extends ImageSize {
  readonly orientation: number;
  readonly isCmyk: boolean;
}

/**
 * The picture's first frame as Pillow decodes it for the reference, upright, on white, resized: colour profiles and
 * gamma are ignored, 16-bit values keep their high byte. Throws a ServingError of reason `unsupported_media_type`,
 * `media_undecodable` or `media_too_large`.
 */
export async function decodePicture({ job, maxPixels }: DecodeOrder): Promise<RgbImage> {
  const { source, resizedHeight, resizedWidth, expectedSource } = job;
  const header = await readHeader(source, maxPixels);
  const upright = orientedSize(header, header.orientation);
  if (expectedSource !== undefined) assertSize(upright, expectedSource);
  const stored = await readPixels(source, header, maxPixels);
  return resizeBicubic(applyExifOrientation(stored, header.orientation), {
    height: resizedHeight,
    width: resizedWidth,
  });
}

async function readHeader(source: Uint8Array, maxPixels: number): Promise<PictureHeader> {
  const { height, width, orientation = 1, space } = await explainErrors(() => open(source, maxPixels).metadata());
  if (height * width > maxPixels) {
    const message = `The picture has ${width} × ${height} pixels; at most ${maxPixels} pixels are decoded.`;
    throw new ServingError('media_too_large', message, { width, height, maxPixels });
  }
  return { height, width, orientation, isCmyk: space === 'cmyk' };
}

async function readPixels(source: Uint8Array, header: PictureHeader, maxPixels: number): Promise<RgbImage> {
  const space = header.isCmyk ? 'cmyk' : 'srgb';
  const { data, info } = await explainErrors(() =>
    open(source, maxPixels)
      .pipelineColourspace(space)
      .toColourspace(space)
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true }),
  );
  const { height, width } = info;
  assertSize({ height, width }, header);
  if (header.isCmyk && info.channels === 4) return { height, width, data: cmykToRgb(data) };
  if (info.channels === 4) return compositeOnWhite({ height, width, data });
  if (info.channels === 3) return { height, width, data };
  throw new ServingError('internal', `A decoded picture has ${info.channels} channels where 3 or 4 were expected.`);
}

function open(source: Uint8Array, maxPixels: number) {
  return sharp(source, {
    failOn: 'truncated',
    ignoreIcc: true,
    limitInputPixels: maxPixels,
    pages: 1,
    sequentialRead: true,
  });
}

function assertSize(actual: ImageSize, expected: ImageSize): void {
  if (actual.height === expected.height && actual.width === expected.width) return;
  const message =
    `The picture's header says ${expected.width} × ${expected.height} pixels, ` +
    `its content ${actual.width} × ${actual.height}.`;
  throw new ServingError('media_undecodable', message, { width: actual.width, height: actual.height });
}

/** sharp throws at once what it sees in its arguments, such as an empty buffer, and rejects with the rest. */
async function explainErrors<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call();
  } catch (error) {
    throw explainSharpError(error);
  }
}
