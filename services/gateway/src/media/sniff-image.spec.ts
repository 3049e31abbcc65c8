import { describe, expect, it } from 'vitest';
import { assertImage } from './sniff-image.js';

const isoMedia = (brand: string) => `\0\0\0\x1cftyp${brand}\0\0\0\0`;

describe('assertImage', () => {
  const accepted = { PNG: '\x89PNG\r\n\x1a\n', JPEG: '\xff\xd8\xff\xe0', WebP: 'RIFF\n\0\n\0WEBP', GIF: 'GIF89a' };
  for (const [name, start] of Object.entries(accepted)) {
    it(`lets ${name} pass`, () => expect(() => assertImage(Buffer.from(start, 'latin1'), 'f')).not.toThrow());
  }

  const refused = [
    ['it is SVG', '<?xml version="1.0"?><svg/>'],
    ['it is TIFF', 'II*\0\x08\0\0\0'],
    ['it is TIFF', 'MM\0*\0\0\0\x08'],
    ['it is AVIF', isoMedia('avif')],
    ['it is HEIC', isoMedia('heic')],
    ['it is HEIC', isoMedia('mif1')],
    ['it is JPEG XL', '\xff\x0a\xfa\x1f'],
    ['it is BMP', 'BM\x46\0\0\0\0\0\0\0'],
    ['it is PDF', '%PDF-1.7'],
    ['it is none', 'hello'],
    ['it is none', isoMedia('isom')],
    ['it is empty', ''],
  ] as const;
  for (const [given, start] of refused) {
    it(`refuses ${JSON.stringify(start)}: ${given}`, () => {
      expect(() => assertImage(Buffer.from(start, 'latin1'), 'f')).toThrow(
        expect.objectContaining({
          reason: 'unsupported_media_type',
          message: `f: a picture must be PNG, JPEG, WebP or GIF; ${given}`,
        }),
      );
    });
  }
});
