const quote = 0x22;
const backslash = 0x5c;

/** Whether arrays and objects nest deeper than `maxDepth` in a JSON text; strings are skipped, nothing is validated. */
export function exceedsJsonDepth(bytes: Buffer, maxDepth: number): boolean {
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === quote) i = endOfString(bytes, i);
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > maxDepth) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return false;
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
