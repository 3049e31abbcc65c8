import { describe, expect, it, onTestFinished } from 'vitest';
import { Checkpoint } from '../checkpoint/checkpoint.js';
import { sliceOf } from '../checkpoint/weight-slice.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { writeTinyCheckpoint } from '../testing/tiny-checkpoint.js';
import { encodeWeight } from '../weights/encode-weight.js';
import type { MatrixWeight, WeightForm } from '../weights/matrix-weight.js';
import { type EncodedWeight, encodeAhead } from './encode-ahead.js';
import { EncodeThread } from './encode-thread.js';

const forms: readonly WeightForm[] = [{ kind: 'int8' }, { kind: 'fp32' }, { kind: 'int4', blockLen: 32 }];

/** Every matrix of the tiny checkpoint, the forms taking turns. */
async function tinyWorld(numThreads: number) {
  const dir = await temporaryFolder();
  await writeTinyCheckpoint(dir);
  const checkpoint = await Checkpoint.open(dir);
  onTestFinished(() => checkpoint.close());
  const threads = Array.from({ length: numThreads }, () => new EncodeThread(dir));
  onTestFinished(async () => void (await Promise.all(threads.map((thread) => thread.close()))));
  const matrices = [...checkpoint.shapes].filter(([, shape]) => shape.length === 2);
  const weights = matrices.map(
    ([name, shape], i): MatrixWeight => ({ name, slices: [sliceOf(name, shape)], form: forms[i % forms.length] }),
  );
  return { checkpoint, threads, weights };
}

async function bytesOf(tensors: EncodedWeight['tensors']): Promise<Buffer[]> {
  const result: Buffer[] = [];
  for await (const blocks of tensors) {
    const parts: Buffer[] = [];
    for await (const { buffer, byteOffset, byteLength } of blocks) {
      parts.push(Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength));
    }
    result.push(Buffer.concat(parts));
  }
  return result;
}

describe('encodeAhead', () => {
  for (const numThreads of [1, 3]) {
    it(`gives the bytes of encodeWeight in the order asked for, on ${numThreads} threads`, async () => {
      const { checkpoint, threads, weights } = await tinyWorld(numThreads);
      const names: string[] = [];
      for await (const { weight, tensors } of encodeAhead(checkpoint, weights, threads)) {
        names.push(weight.name);
        expect(await bytesOf(tensors), weight.name).toEqual(await bytesOf(encodeWeight(checkpoint, weight)));
      }
      expect(names).toEqual(weights.map(({ name }) => name));
    });
  }

  it('fails at the weight that cannot be read, with the reason', async () => {
    const { checkpoint, threads, weights } = await tinyWorld(2);
    const missing: MatrixWeight = { name: 'x', slices: [sliceOf('none', [8, 8])], form: { kind: 'int8' } };
    const encoded = encodeAhead(checkpoint, [weights[0], missing, ...weights.slice(1)], threads);
    expect((await encoded.next()).value?.weight).toBe(weights[0]);
    await expect(encoded.next()).rejects.toMatchObject({ reason: 'tensor_missing' });
  });
});

describe('EncodeThread', () => {
  it('says why the checkpoint cannot be opened', async () => {
    const thread = new EncodeThread(await temporaryFolder());
    onTestFinished(() => thread.close());
    const weight: MatrixWeight = { name: 'x', slices: [sliceOf('x', [8, 8])], form: { kind: 'int8' } };
    await expect(thread.encode(weight)).rejects.toMatchObject({ reason: 'checkpoint_not_found' });
  });
});
