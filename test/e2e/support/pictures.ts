import sharp from 'sharp';

/** A plain picture of this size. */
export function drawPlain(width: number, height: number, format: 'png' | 'jpeg' = 'png'): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: 'seagreen' } })
    .toFormat(format)
    .toBuffer();
}

/** Noise, so that cutting the file off cuts pixels off. */
export function drawNoise(width: number, height: number, format: 'png' | 'jpeg' | 'webp' | 'gif'): Promise<Buffer> {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  return sharp({ create: { width, height, channels: 3, background: 'white', noise } })
    .toFormat(format)
    .toBuffer();
}

/** A PNG of a few hundred bytes whose header says that it is this large. */
export async function drawPngBomb(width: number, height: number): Promise<Buffer> {
  const bytes = await drawPlain(8, 8);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}

/** A JPEG of a few hundred bytes whose header says that it is this large. */
export async function drawJpegBomb(width: number, height: number): Promise<Buffer> {
  const bytes = await drawPlain(8, 8, 'jpeg');
  const frameHeader = bytes.indexOf(Buffer.of(0xff, 0xc0));
  bytes.writeUInt16BE(height, frameHeader + 5);
  bytes.writeUInt16BE(width, frameHeader + 7);
  return bytes;
}

/** The checksum of a PNG chunk, over its type and data. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
