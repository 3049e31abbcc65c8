import type { MessageInitShape } from '@bufbuild/protobuf';
import type { StagedEmbedding } from '@tessera/domain';
import type { FetchResponseSchema } from '@tessera/proto/encoder/v1';
import { bytesOf } from '../convert/number-bytes.js';
import { slicesOf } from './slices.js';

/** Large enough that a call to the stream costs little, small enough that others on the connection get their turn. */
const partBytes = 1024 * 1024;

/** What answers a fetch: the shape, then the rows; or a miss. */
export function* embeddingParts(
  embedding: StagedEmbedding | undefined,
): Generator<MessageInitShape<typeof FetchResponseSchema>> {
  if (embedding === undefined) {
    yield { part: { case: 'miss', value: {} } };
    return;
  }
  const { numTokens, data } = embedding;
  yield { part: { case: 'shape', value: { numTokens, hiddenSize: data.length / numTokens } } };
  for (const value of slicesOf(bytesOf(data), partBytes)) yield { part: { case: 'data', value } };
}
