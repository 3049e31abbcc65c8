import { afterEach, describe, expect, test } from 'vitest';
import { SeededRandom } from '../seeded-random.js';
import { AttentionWorld } from './attention-world.js';
import { type ContractKernel, type ContractShape, type CreateKernel, contractCapacity } from './contract-kernel.js';
import { naiveAttention } from './naive-attention.js';

const shapes: readonly ContractShape[] = [
  { numLayers: 1, numHeads: 1, numKvHeads: 1, headDim: 8 },
  { numLayers: 2, numHeads: 4, numKvHeads: 4, headDim: 16 },
  { numLayers: 1, numHeads: 6, numKvHeads: 2, headDim: 32 },
  { numLayers: 1, numHeads: 7, numKvHeads: 1, headDim: 64 },
  { numLayers: 1, numHeads: 8, numKvHeads: 2, headDim: 128 },
];
const [, layeredShape, groupedShape] = shapes;

/**
 * What every attention kernel must do, on seeded random shapes. `tolerance` bounds the distance from a float64
 * softmax; a kernel that rounds its pool needs a wider one. All other promises are bit for bit.
 */
export function describePagedAttention(name: string, createKernel: CreateKernel, tolerance = 1e-5): void {
  describe(`${name} as a paged attention kernel`, () => {
    const opened: ContractKernel[] = [];
    afterEach(async () => {
      for (const kernel of opened.splice(0)) await kernel.close();
    });
    const createWorld = async (random: SeededRandom, shape: ContractShape): Promise<AttentionWorld> => {
      const kernel = await createKernel(shape, contractCapacity);
      opened.push(kernel);
      return new AttentionWorld(random, kernel, shape);
    };

    for (const [seed, shape] of shapes.entries()) {
      const title = `${shape.numHeads} over ${shape.numKvHeads} heads of ${shape.headDim}`;

      test(`agrees with a softmax in float64 on ragged batches: ${title}`, async () => {
        const random = new SeededRandom(seed);
        const world = await createWorld(random, shape);
        const lengths = [1, 5, 2 * world.pageLen, 2 * world.pageLen + 3];
        const streams = lengths.map((length) => world.createStream(length));
        const outs = await world.feed(streams, { chunkLen: () => random.integer(1, 9) });
        for (const [i, { qkv }] of streams.entries()) expectClose(outs[i], naiveAttention(qkv, shape), tolerance);
      });

      test(`gives the same bits however a sequence is cut into steps: ${title}`, async () => {
        const world = await createWorld(new SeededRandom(seed + 100), shape);
        const stream = world.createStream(2 * world.pageLen + 5);
        const [whole] = await world.feed([stream], { chunkLen: () => stream.length });
        for (const chunkLen of [1, 3, world.pageLen - 1, world.pageLen, world.pageLen + 1]) {
          const [chunked] = await world.feed([world.move(stream)], { chunkLen: () => chunkLen });
          expectSameBits(chunked, whole, `chunks of ${chunkLen}`);
        }
      });
    }

    test('gives a row of zeros the mean of the values', async () => {
      const world = await createWorld(new SeededRandom(6), groupedShape);
      const stream = world.createStream(world.pageLen + 3);
      stream.qkv.q.fill(0);
      const [out] = await world.feed([stream], { chunkLen: () => 5 });
      expectClose(out, naiveAttention(stream.qkv, groupedShape), tolerance);
    });

    test('gives a row the same bits whatever other sequences are in the step', async () => {
      const random = new SeededRandom(7);
      const world = await createWorld(random, groupedShape);
      const stream = world.createStream(world.pageLen + 2);
      const [alone] = await world.feed([stream], { chunkLen: () => 4 });
      for (const numOthers of [1, 2, 3, 4]) {
        const others = Array.from({ length: numOthers }, () => world.createStream(random.integer(1, world.pageLen)));
        const batch = random.shuffle([world.move(stream), ...others]);
        const outs = await world.feed(batch, { chunkLen: () => 4 });
        const own = batch.findIndex(({ qkv }) => qkv === stream.qkv);
        expectSameBits(outs[own], alone, `beside ${numOthers} others`);
        for (const { pages } of batch) world.free(pages);
      }
    });

    test('crosses page borders one position at a time', async () => {
      const world = await createWorld(new SeededRandom(8), groupedShape);
      const stream = world.createStream(2 * world.pageLen + 1);
      const [out] = await world.feed([stream], { chunkLen: () => 1 });
      expectClose(out, naiveAttention(stream.qkv, groupedShape), tolerance);
    });

    test('forgets what a page held before it was given to another sequence', async () => {
      const world = await createWorld(new SeededRandom(9), groupedShape);
      const before = world.createStream(3 * world.pageLen);
      await world.feed([before], { chunkLen: () => before.length });
      const after = world.createStream(2 * world.pageLen - 1, before.pages.slice(1));
      const [out] = await world.feed([after], { chunkLen: () => 5 });
      expectClose(out, naiveAttention(after.qkv, groupedShape), tolerance);
    });

    test('lets a sequence begin on the pages of another with the same beginning', async () => {
      const world = await createWorld(new SeededRandom(10), groupedShape);
      const first = world.createStream(2 * world.pageLen);
      const [whole] = await world.feed([first], { chunkLen: () => first.length });
      const second = { ...first, pages: [first.pages[0], ...world.take(1)] };
      const [out] = await world.feed([second], { chunkLen: () => world.pageLen, from: world.pageLen });
      expectSameBits(out.subarray(out.length / 2), whole.subarray(whole.length / 2), 'second half');
    });

    test('keeps the layers apart', async () => {
      const world = await createWorld(new SeededRandom(11), layeredShape);
      const lower = world.createStream(6);
      const upper = world.createStream(6, [...lower.pages]);
      const [below] = await world.feed([lower], { chunkLen: () => 5, layer: 0 });
      const [above] = await world.feed([upper], { chunkLen: () => 6, layer: 1 });
      const [again] = await world.feed([lower], { chunkLen: () => 1, from: 5, layer: 0 });
      expectClose(above, naiveAttention(upper.qkv, layeredShape), tolerance);
      const last = (5 * below.length) / 6;
      expectSameBits(again.subarray(last), below.subarray(last), 'last row of layer 0');
    });

    test('stays finite where one score towers above all others', async () => {
      const world = await createWorld(new SeededRandom(12), groupedShape);
      const stream = world.createStream(world.pageLen + 1);
      for (const values of [stream.qkv.q, stream.qkv.k]) for (let i = 0; i < values.length; i++) values[i] *= 12;
      const [out] = await world.feed([stream], { chunkLen: () => 6 });
      expectClose(out, naiveAttention(stream.qkv, groupedShape), 100 * tolerance);
    });

    for (const kind of ['k', 'v'] as const) {
      test(`hides no ${kind} that is not a number, and shows it to no row before`, async () => {
        const world = await createWorld(new SeededRandom(14), groupedShape);
        const stream = world.createStream(world.pageLen + 3);
        const position = 2;
        stream.qkv[kind][(position * stream.qkv[kind].length) / stream.length] = Number.NaN;
        const [out] = await world.feed([stream], { chunkLen: () => stream.length });
        const rowLen = out.length / stream.length;
        expect(out.subarray(0, position * rowLen).every(Number.isFinite)).toBe(true);
        const firstValues = Array.from({ length: stream.length - position }, (_, r) => out[(position + r) * rowLen]);
        expect(firstValues.filter((value) => !Number.isNaN(value))).toEqual([]);
      });
    }

    test('writes to no row but those of its spans', async () => {
      const kernel = await createKernel(groupedShape, contractCapacity);
      opened.push(kernel);
      const { qkv, pages } = new AttentionWorld(new SeededRandom(13), kernel, groupedShape).createStream(3);
      const out = new Float32Array(qkv.q.length).fill(7);
      await kernel.attend(0, [{ firstRow: 0, numRows: 2, firstPosition: 0, pages }], qkv, out);
      expect(new Set(out.subarray((2 * out.length) / 3))).toEqual(new Set([7]));
    });
  });
}

function expectClose(actual: Float32Array, expected: Float64Array, tolerance: number): void {
  let worst = 0;
  for (const [i, value] of actual.entries()) {
    const distance = Math.abs(value - expected[i]);
    worst = distance >= worst || Number.isNaN(distance) ? distance : worst;
    if (Number.isNaN(worst)) break;
  }
  expect(actual.length).toBe(expected.length);
  expect(worst).toBeLessThan(tolerance);
}

function expectSameBits(actual: Float32Array, expected: Float32Array, what: string): void {
  const differing = [...actual.keys()].filter((i) => !Object.is(actual[i], expected[i]));
  expect(actual.length, what).toBe(expected.length);
  expect(differing, what).toEqual([]);
}
