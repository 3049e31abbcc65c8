import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { embeddingKey } from '@tessera/domain';
import { EncodeRequestSchema, FetchResponseSchema } from '@tessera/proto/encoder/v1';
import { describe, expect, test } from 'vitest';
import { receiveEmbedding } from './receive-embedding.js';
import { receiveJob } from './receive-job.js';

const bytes = (length: number) => ({ part: { case: 'data' as const, value: new Uint8Array(length) } });

describe('receiveJob', () => {
  type Part = MessageInitShape<typeof EncodeRequestSchema>;
  const jobOf = (numBytes: bigint): Part => ({
    part: { case: 'job', value: { kind: 1, grid: {}, processing: {}, numBytes } },
  });
  const receive = (...parts: Part[]) => receiveJob(streamOf(parts), 100);
  async function* streamOf(parts: Part[]) {
    for (const part of parts) yield create(EncodeRequestSchema, part);
  }

  test('joins the bytes', async () => {
    await expect(receive(jobOf(5n), bytes(2), bytes(0), bytes(3))).resolves.toMatchObject({
      source: new Uint8Array(5),
    });
  });

  for (const [what, reason, parts] of [
    ['nothing', 'invalid_field', []],
    ['bytes without a job', 'invalid_field', [bytes(2)]],
    ['a part of nothing', 'invalid_field', [jobOf(5n), {}]],
    ['a second job', 'invalid_field', [jobOf(5n), jobOf(5n)]],
    ['fewer bytes than announced', 'invalid_field', [jobOf(5n), bytes(4)]],
    ['more bytes than announced', 'invalid_field', [jobOf(5n), bytes(4), bytes(2)]],
    ['more bytes than are taken', 'media_too_large', [jobOf(101n)]],
  ] as const) {
    test(`refuses ${what}`, () => expect(receive(...(parts as readonly Part[]))).rejects.toMatchObject({ reason }));
  }
});

describe('receiveEmbedding', () => {
  type Part = MessageInitShape<typeof FetchResponseSchema>;
  const shape: Part = { part: { case: 'shape', value: { numTokens: 2, hiddenSize: 3 } } };
  const receive = (...parts: Part[]) => receiveEmbedding(embeddingKey('cat'), streamOf(parts));
  async function* streamOf(parts: Part[]) {
    for (const part of parts) yield create(FetchResponseSchema, part);
  }

  test('joins the rows, wherever they were cut', async () => {
    await expect(receive(shape, bytes(7), bytes(17))).resolves.toEqual({
      embeddingKey: 'cat',
      numTokens: 2,
      data: new Float32Array(6),
    });
  });

  for (const [what, given, parts] of [
    ['nothing', '0 bytes of an embedding, expected a shape', []],
    ['rows without a shape', '8 bytes of an embedding, expected a shape', [bytes(8)]],
    ['too few bytes', '20 bytes of an embedding, expected [2, 3] float32 values', [shape, bytes(20)]],
    ['too many bytes', '28 bytes of an embedding, expected [2, 3] float32 values', [shape, bytes(20), bytes(8)]],
  ] as const) {
    test(`throws at ${what}`, async () => {
      const message = `an encoder sent ${given}`;
      await expect(receive(...(parts as readonly Part[]))).rejects.toMatchObject({ reason: 'internal', message });
    });
  }
});
