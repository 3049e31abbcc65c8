import { ServingError } from '@tessera/domain';

interface Format {
  readonly name: string;
  /** How its files begin, as Latin-1; `?` stands for any byte. */
  readonly starts: readonly string[];
}

const acceptedFormats: readonly Format[] = [
  { name: 'PNG', starts: ['\x89PNG\r\n\x1a\n'] },
  { name: 'JPEG', starts: ['\xff\xd8\xff'] },
  { name: 'WebP', starts: ['RIFF????WEBP'] },
  { name: 'GIF', starts: ['GIF87a', 'GIF89a'] },
];

const refusedFormats: readonly Format[] = [
  { name: 'TIFF', starts: ['II*\0', 'II+\0', 'MM\0*', 'MM\0+'] },
  { name: 'AVIF', starts: ['????ftypavif', '????ftypavis'] },
  { name: 'HEIC', starts: ['????ftyphei', '????ftyphev', '????ftypmif1', '????ftypmsf1'] },
  { name: 'JPEG XL', starts: ['\xff\x0a', '\0\0\0\x0cJXL '] },
  { name: 'BMP', starts: ['BM????\0\0\0\0'] },
  { name: 'PDF', starts: ['%PDF-'] },
];

/**
 * Refuses what does not begin as PNG, JPEG, WebP or GIF, whatever type it was declared as, before any decoder sees it;
 * ServingError `unsupported_media_type`, which names the format where it is a well-known one.
 */
export function assertImage(bytes: Uint8Array, field: string): void {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(512, bytes.length)).toString('latin1');
  if (acceptedFormats.some((format) => isOf(format, start))) return;
  throw new ServingError(
    'unsupported_media_type',
    `${field}: a picture must be PNG, JPEG, WebP or GIF; ${tell(start)}`,
    {
      field,
    },
  );
}

function isOf({ starts }: Format, text: string): boolean {
  return starts.some((start) => [...start].every((character, i) => character === '?' || character === text[i]));
}

function tell(start: string): string {
  if (start === '') return 'it is empty';
  if (/<svg|<\?xml/i.test(start)) return 'it is SVG';
  const refused = refusedFormats.find((format) => isOf(format, start));
  return refused === undefined ? 'it is none' : `it is ${refused.name}`;
}
