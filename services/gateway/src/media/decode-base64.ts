import { ServingError } from '@tessera/domain';
import { inSlices } from './in-slices.js';

const outsideAlphabet = /[^A-Za-z0-9+/]/;

/** Bytes of standard padded base64 (RFC 4648 §4); ServingError `invalid_base64` with the position of the mistake. */
export async function decodeBase64(text: string, field: string): Promise<Uint8Array> {
  if (text.length % 4 !== 0) throw invalid(field, `its length ${text.length} is not a multiple of 4`);
  const numPadding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = Buffer.allocUnsafe((text.length / 4) * 3 - numPadding);
  let numWritten = 0;
  await inSlices(text.length, (start, end) => {
    const slice = text.slice(start, end);
    const digits = end === text.length ? slice.slice(0, slice.length - numPadding) : slice;
    const position = digits.search(outsideAlphabet);
    if (position !== -1)
      throw invalid(field, `unexpected ${JSON.stringify(digits[position])} at position ${start + position}`);
    numWritten += bytes.write(slice, numWritten, 'base64');
  });
  return bytes;
}

function invalid(field: string, why: string): ServingError {
  return new ServingError('invalid_base64', `${field}: not valid base64, ${why}`, { field });
}
