const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;

/** How much there is in a JSON text. */
export interface JsonShape {
  /** Deepest nesting of arrays and objects. */
  readonly depth: number;
  /** Items of arrays and members of objects, empty ones counted as having one. */
  readonly numValues: number;
}

/** Measures a JSON text without validating it; stops once either limit is exceeded. */
export function measureJson(bytes: Buffer, limits: JsonShape): JsonShape {
  let depth = 0;
  let deepest = 0;
  let numValues = 0;
  for (let i = 0; i < bytes.length && deepest <= limits.depth && numValues <= limits.numValues; i++) {
    const byte = bytes[i];
    if (byte === quote) i = endOfString(bytes, i);
    else if (byte === comma) numValues++;
    else if (byte === 0x5b || byte === 0x7b) {
      numValues++;
      deepest = Math.max(deepest, ++depth);
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return { depth: deepest, numValues };
}

/** Index of the quote that closes the string opened at `start`, or the text's length. */
function endOfString(bytes: Buffer, start: number): number {
  for (let end = bytes.indexOf(quote, start + 1); end !== -1; end = bytes.indexOf(quote, end + 1)) {
    let numBackslashes = 0;
    while (bytes[end - 1 - numBackslashes] === backslash) numBackslashes++;
    if (numBackslashes % 2 === 0) return end;
  }
  return bytes.length;
}
