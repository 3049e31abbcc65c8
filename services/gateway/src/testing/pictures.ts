import sharp from 'sharp';

type Format = 'png' | 'jpeg' | 'webp' | 'gif';

/** A plain picture of this size. */
export function drawPicture(width: number, height: number, format: Format = 'png'): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: 'teal' } })
    .toFormat(format)
    .toBuffer();
}

/** A JPEG whose EXIF tag says how it must be turned. */
export function drawOriented(width: number, height: number, orientation: number): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: 'teal' } })
    .jpeg()
    .withMetadata({ orientation })
    .toBuffer();
}

/** An animated WebP of `numFrames` frames. */
export function drawAnimation(width: number, height: number, numFrames: number): Promise<Buffer> {
  const pixels = Buffer.from(Array.from({ length: width * height * 3 * numFrames }, (_, i) => (i * 7) % 256));
  return sharp(pixels, { raw: { width, height: height * numFrames, channels: 3, pageHeight: height } })
    .webp({ loop: 0, lossless: true })
    .toBuffer();
}

/** A JPEG whose header says 30 000 × 30 000 over the data of a small one. */
export async function drawBomb(): Promise<Buffer> {
  const bytes = await drawPicture(8, 8, 'jpeg');
  const frameHeader = bytes.indexOf(Buffer.of(0xff, 0xc0));
  bytes.writeUInt16BE(30_000, frameHeader + 5);
  bytes.writeUInt16BE(30_000, frameHeader + 7);
  return bytes;
}
