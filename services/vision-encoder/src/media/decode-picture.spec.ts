import { readFileSync } from 'node:fs';
import type { RgbImage } from '@tessera/qwen2-5-vl';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import type { DecodeJob } from './decode-job.js';
import { decodePicture } from './decode-picture.js';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));

const decode = (source: Uint8Array, height: number, width: number, options: Partial<DecodeJob> = {}) =>
  decodePicture({ job: { source, resizedHeight: height, resizedWidth: width, ...options }, maxPixels: 1e6 });

type Colour = readonly [number, number, number];
const red: Colour = [255, 0, 0];
const green: Colour = [0, 128, 0];
const blue: Colour = [0, 0, 255];
const white: Colour = [255, 255, 255];

/** A picture of 2 × 2 fields of 16 pixels, row by row. */
function fields(colours: readonly Colour[]): Sharp {
  const data = new Uint8Array(32 * 32 * 3);
  for (let pixel = 0; pixel < 32 * 32; pixel++) {
    const field = 2 * Math.floor(pixel / 32 / 16) + Math.floor((pixel % 32) / 16);
    data.set(colours[field]!, pixel * 3);
  }
  return sharp(data, { raw: { width: 32, height: 32, channels: 3 } });
}

/** The colours in the middle of the four fields. */
function middles({ data, width }: RgbImage): number[][] {
  const at = (y: number, x: number) => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
  return [at(8, 8), at(8, 24), at(24, 8), at(24, 24)];
}

function expectNear(actual: number[][], expected: readonly Colour[], tolerance: number): void {
  const differences = actual.flat().map((value, i) => Math.abs(value - expected.flat()[i]!));
  expect(Math.max(...differences), `${JSON.stringify(actual)} against ${JSON.stringify(expected)}`).toBeLessThanOrEqual(
    tolerance,
  );
}

describe('decodePicture against the reference', () => {
  it('lays a transparent PNG on white exactly as the reference does', async () => {
    const image = await decode(fixture('j_rgba_123x95.png'), 95, 123);
    const expected = await decode(fixture('j_rgba_123x95.rgb.png'), 95, 123);
    expect(Buffer.compare(image.data, expected.data)).toBe(0);
  });

  it("decodes a JPEG to the reference's pixels within two levels", async () => {
    const image = await decode(fixture('l_photo_150x99.jpg'), 99, 150);
    const expected = await decode(fixture('l_photo_150x99.decoded.png'), 99, 150);
    const differences = image.data.map((value, i) => Math.abs(value - expected.data[i]!));
    expect(Math.max(...differences)).toBeLessThanOrEqual(2);
  });

  it('resizes to the size that is asked for', async () => {
    const image = await decode(fixture('d_tiny_20x17.png'), 28, 56);
    expect(image).toMatchObject({ height: 28, width: 56 });
    expect(image.data).toHaveLength(28 * 56 * 3);
  });
});

describe('decodePicture of unusual formats', () => {
  it('repeats the value of a grey picture', async () => {
    const grey = await sharp(Uint8Array.of(0, 77, 200, 255), { raw: { width: 2, height: 2, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect([...(await decode(grey, 2, 2)).data]).toEqual([0, 77, 200, 255].flatMap((value) => [value, value, value]));
  });

  it('lays a grey picture with transparency on white', async () => {
    const grey = await sharp(Uint8Array.of(100, 255, 100, 0), { raw: { width: 2, height: 1, channels: 2 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect([...(await decode(grey, 1, 2)).data]).toEqual([100, 100, 100, 255, 255, 255]);
  });

  for (const [space, channels] of [
    ['rgb16', 3],
    ['grey16', 1],
  ] as const) {
    it(`keeps the high byte of 16 bits (${space})`, async () => {
      const values = Uint16Array.from({ length: 4 * channels }, (_, i) => i * 5_000 + 255);
      const raw = { width: 4, height: 1, channels };
      const source = await sharp(values, { raw }).toColourspace(space).png().toBuffer();
      expect((await sharp(source).metadata()).depth).toBe('ushort');
      const expected = [...values].map((value) => value >> 8);
      expect([...(await decode(source, 1, 4)).data]).toEqual(
        channels === 3 ? expected : expected.flatMap((value) => [value, value, value]),
      );
    });
  }

  it('looks colours up in a palette', async () => {
    const source = await fields([red, green, blue, white]).png({ palette: true, colours: 4, dither: 0 }).toBuffer();
    expect((await sharp(source).metadata()).isPalette).toBe(true);
    expect(middles(await decode(source, 32, 32))).toEqual([red, green, blue, white]);
  });

  it('shows the colours of a CMYK JPEG', async () => {
    const source = await fields([red, green, blue, white]).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(source).metadata()).space).toBe('cmyk');
    const seen = middles(await decode(source, 32, 32));
    expect(seen[0]![0]! - Math.max(seen[0]![1]!, seen[0]![2]!)).toBeGreaterThan(150);
    expect(seen[1]![1]! - Math.max(seen[1]![0]!, seen[1]![2]!)).toBeGreaterThan(100);
    expect(seen[2]![2]! - Math.max(seen[2]![0]!, seen[2]![1]!)).toBeGreaterThan(100);
    expectNear([seen[3]!], [white], 2);
  });

  for (const format of ['webp', 'gif'] as const) {
    it(`takes the first frame of an animated ${format}`, async () => {
      const frames = await Promise.all(
        [red, blue].map((colour) => fields([colour, colour, colour, colour]).png().toBuffer()),
      );
      const source = await sharp(frames, { join: { animated: true } })
        .toFormat(format, { lossless: true })
        .toBuffer();
      expect((await sharp(source).metadata()).pages).toBe(2);
      expect(middles(await decode(source, 32, 32))).toEqual([red, red, red, red]);
    });
  }

  it('decodes a picture of one pixel', async () => {
    const source = await sharp(Uint8Array.of(1, 2, 3), { raw: { width: 1, height: 1, channels: 3 } })
      .png()
      .toBuffer();
    const image = await decode(source, 28, 28, { expectedSource: { height: 1, width: 1 } });
    expect(new Set(image.data)).toEqual(new Set([1, 2, 3]));
  });

  it('ignores a colour profile', async () => {
    const source = await fields([red, green, blue, white]).withIccProfile('p3').png().toBuffer();
    const stored = await sharp(source, { ignoreIcc: true }).raw().toBuffer();
    expect(stored.subarray(0, 3)).not.toEqual(Buffer.from(red));
    expect(Buffer.compare((await decode(source, 32, 32)).data, stored)).toBe(0);
  });
});

describe('decodePicture of a turned JPEG', () => {
  const upright: [orientation: number, colours: Colour[]][] = [
    [1, [red, green, blue, white]],
    [2, [green, red, white, blue]],
    [3, [white, blue, green, red]],
    [4, [blue, white, red, green]],
    [5, [red, blue, green, white]],
    [6, [blue, red, white, green]],
    [7, [white, green, blue, red]],
    [8, [green, white, red, blue]],
  ];
  for (const [orientation, colours] of upright) {
    it(`turns orientation ${orientation} upright`, async () => {
      const source = await fields([red, green, blue, white])
        .withMetadata({ orientation })
        .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
        .toBuffer();
      expectNear(middles(await decode(source, 32, 32)), colours, 4);
    });
  }

  it('compares the upright size with the measured one', async () => {
    const source = await sharp(fixture('l_photo_150x99.jpg')).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const image = await decode(source, 150, 99, { expectedSource: { height: 150, width: 99 } });
    expect(image).toMatchObject({ height: 150, width: 99 });
    await expect(decode(source, 99, 150, { expectedSource: { height: 99, width: 150 } })).rejects.toMatchObject({
      reason: 'media_undecodable',
    });
  });
});

describe('decodePicture of bad pictures', () => {
  const jpeg = fixture('l_photo_150x99.jpg');
  const png = fixture('j_rgba_123x95.png');
  const cases: [title: string, source: Uint8Array, reason: string][] = [
    ['a JPEG cut in the middle', jpeg.subarray(0, 2_000), 'media_undecodable'],
    ['a JPEG without its end', jpeg.subarray(0, -2), 'media_undecodable'],
    ['a PNG cut in the middle', png.subarray(0, 9_000), 'media_undecodable'],
    ['a PNG cut in its last block', png.subarray(0, -20), 'media_undecodable'],
    ['a PNG cut in its header', png.subarray(0, 20), 'media_undecodable'],
    ['a text', Buffer.from('this is no picture'), 'unsupported_media_type'],
    ['nothing', new Uint8Array(0), 'unsupported_media_type'],
    ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), 'unsupported_media_type'],
    ['a PDF', Buffer.from('%PDF-1.4\n1 0 obj\n'), 'unsupported_media_type'],
  ];
  for (const [title, source, reason] of cases) {
    it(`refuses ${title} (${reason})`, async () => {
      await expect(decode(source, 28, 28)).rejects.toMatchObject({ name: 'ServingError', reason });
    });
  }

  it('refuses a picture above the pixel limit by its header', async () => {
    const order = { job: { source: jpeg, resizedHeight: 28, resizedWidth: 28 }, maxPixels: 150 * 99 - 1 };
    await expect(decodePicture(order)).rejects.toMatchObject({ reason: 'media_too_large' });
    await expect(decodePicture({ ...order, maxPixels: 150 * 99 })).resolves.toBeDefined();
  });
});
