import { isUtf8 } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import { ServingError } from '@tessera/domain';
import { emptyBody } from './empty-body.js';
import { locateJsonError } from './locate-json-error.js';
import { type JsonShape, measureJson } from './measure-json.js';

/** Bytes of a body that is read in several turns of the event loop: at 64 MiB a stage takes tens of milliseconds. */
const largeBodyBytes = 2 ** 20;

/** Value of a JSON body; ServingError `invalid_utf8` or `invalid_json`, the latter with the position of the mistake. */
export async function parseJsonBody(bytes: Buffer, limits: JsonShape): Promise<unknown> {
  const takeTurn = async () => {
    if (bytes.length > largeBodyBytes) await setImmediate();
  };
  await takeTurn();
  if (bytes.length === 0) throw emptyBody();
  if (!isUtf8(bytes)) throw new ServingError('invalid_utf8', 'the body is not valid UTF-8');
  assertShape(measureJson(bytes, limits), limits);
  await takeTurn();
  const text = bytes.toString('utf8');
  await takeTurn();
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
