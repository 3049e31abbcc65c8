const printableRanges = [
  [0x21, 0x7e],
  [0xa1, 0xac],
  [0xae, 0xff],
] as const;

const isPrintable = (byte: number) => printableRanges.some(([first, last]) => byte >= first && byte <= last);

/**
 * The character that stands for each byte in a byte-level vocabulary (GPT-2): printable Latin-1 bytes are themselves,
 * the other 68 take the characters from U+0100 on, in order.
 */
const characters = Array.from({ length: 256 }, (_, byte) => {
  if (isPrintable(byte)) return byte;
  const numUnprintableBefore = Array.from({ length: byte }, (_, before) => before).filter(
    (b) => !isPrintable(b),
  ).length;
  return 0x100 + numUnprintableBefore;
});

const byteOf = new Map(characters.map((character, byte) => [character, byte]));

/** Bytes of a vocabulary entry; undefined when a character stands for no byte. */
export function bytesOfEntry(entry: string): Uint8Array | undefined {
  const bytes = new Uint8Array(entry.length);
  for (let i = 0; i < entry.length; i++) {
    const byte = byteOf.get(entry.charCodeAt(i));
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}
