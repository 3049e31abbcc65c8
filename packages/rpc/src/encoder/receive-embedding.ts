import { type EmbeddingKey, ServingError, type StagedEmbedding } from '@tessera/domain';
import type { EmbeddingShape, FetchResponse } from '@tessera/proto/encoder/v1';

const float32Bytes = 4;

/** An embedding from the parts that answer a fetch, undefined for a miss. Throws `internal` when they do not fit. */
export async function receiveEmbedding(
  embeddingKey: EmbeddingKey,
  parts: AsyncIterable<FetchResponse>,
): Promise<StagedEmbedding | undefined> {
  let shape: EmbeddingShape | undefined;
  let bytes = new Uint8Array();
  let numReceived = 0;
  for await (const { part } of parts) {
    if (part.case === 'miss') return undefined;
    if (part.case === 'shape') {
      shape = part.value;
      bytes = new Uint8Array(shape.numTokens * shape.hiddenSize * float32Bytes);
    } else if (part.case === 'data') {
      if (numReceived + part.value.length > bytes.length) throw misfit(shape, numReceived + part.value.length);
      bytes.set(part.value, numReceived);
      numReceived += part.value.length;
    }
  }
  if (shape === undefined || numReceived < bytes.length) throw misfit(shape, numReceived);
  return { embeddingKey, numTokens: shape.numTokens, data: new Float32Array(bytes.buffer) };
}

function misfit(shape: EmbeddingShape | undefined, numReceived: number): ServingError {
  const expected = shape ? `[${shape.numTokens}, ${shape.hiddenSize}] float32 values` : 'a shape';
  return new ServingError('internal', `an encoder sent ${numReceived} bytes of an embedding, expected ${expected}`);
}
