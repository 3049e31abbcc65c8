import { ServingError } from '@tessera/domain';

const startOf = (bytes: Uint8Array, offset: number, length: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + offset, Math.max(0, Math.min(length, bytes.length - offset))).toString(
    'latin1',
  );

const acceptedFormats: readonly { readonly name: string; readonly matches: (bytes: Uint8Array) => boolean }[] = [
  { name: 'png', matches: (bytes) => startOf(bytes, 0, 8) === '\x89PNG\r\n\x1a\n' },
  { name: 'jpeg', matches: (bytes) => startOf(bytes, 0, 3) === '\xff\xd8\xff' },
  { name: 'webp', matches: (bytes) => startOf(bytes, 0, 4) === 'RIFF' && startOf(bytes, 8, 4) === 'WEBP' },
  { name: 'gif', matches: (bytes) => /^GIF8[79]a/.test(startOf(bytes, 0, 6)) },
];

/**
 * Refuses what does not begin as PNG, JPEG, WebP or GIF, whatever type it was declared as, before any decoder sees it;
 * ServingError `unsupported_media_type`.
 */
export function assertImage(bytes: Uint8Array, field: string): void {
  if (acceptedFormats.some(({ matches }) => matches(bytes))) return;
  const given =
    bytes.length === 0
      ? 'it is empty'
      : /<svg|<\?xml/i.test(startOf(bytes, 0, 512))
        ? 'it looks like SVG'
        : 'it is none';
  throw new ServingError('unsupported_media_type', `${field}: an image must be PNG, JPEG, WebP or GIF; ${given}`, {
    field,
  });
}
