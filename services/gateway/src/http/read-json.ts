import { isUtf8 } from 'node:buffer';
import { ServingError } from '@tessera/domain';
import { emptyBody } from './empty-body.js';
import { locateJsonError } from './locate-json-error.js';
import { type JsonShape, measureJson } from './measure-json.js';

/** Value of a JSON body; ServingError `invalid_utf8` or `invalid_json`, the latter with the position of the mistake. */
export function readJson(body: Uint8Array, limits: JsonShape): unknown {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (bytes.length === 0) throw emptyBody();
  if (!isUtf8(bytes)) throw new ServingError('invalid_utf8', 'the body is not valid UTF-8');
  assertShape(measureJson(bytes, limits), limits);
  const text = bytes.toString('utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    const position = locateJsonError(text);
    const found = position < text.length ? `unexpected ${JSON.stringify(text[position])}` : 'unexpected end';
    throw new ServingError(
      'invalid_json',
      `the body is not valid JSON: ${found} at position ${position}`,
      { position },
      { cause },
    );
  }
}

/** Keeps validation from listing a million mistakes. */
function assertShape(shape: JsonShape, limits: JsonShape): void {
  if (shape.depth > limits.depth) {
    const limit = limits.depth;
    throw new ServingError('invalid_json', `the body nests deeper than ${limit} levels`, { limit });
  }
  if (shape.numValues > limits.numValues) {
    const limit = limits.numValues;
    throw new ServingError('invalid_json', `the body has more than ${limit} items and members`, { limit });
  }
}
