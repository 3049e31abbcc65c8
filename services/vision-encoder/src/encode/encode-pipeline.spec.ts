import { setImmediate as nextTurn } from 'node:timers/promises';
import { embeddingKey, ServingError, type VisualInput } from '@tessera/domain';
import { createEncodeJob } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { EncodePipeline, type PipelineLimits } from './encode-pipeline.js';
import { EncodeRun } from './encode-run.js';

const generous: PipelineLimits = {
  batchPatches: 100,
  numDecoders: 10,
  maxDecodedBytes: 3 * 10_000,
  maxQueuedJobs: 100,
  maxQueuedBytes: 1000,
};

/** `a1:16` is the picture a1 of tenant a with 16 patches, a pixel each, from a file of ten bytes. */
function runOf(text: string): EncodeRun {
  const [name, numPatches = 1] = text.split(':');
  const job = createEncodeJob({
    embeddingKey: embeddingKey(name),
    tenant: name.slice(0, 1),
    grid: { t: 1, h: 1, w: Number(numPatches) },
    processing: { resizedHeight: 1, resizedWidth: Number(numPatches) },
    source: new Uint8Array(10),
  });
  return new EncodeRun(job, () => {});
}

/** The stages of a pipeline, which end when the test says so. */
class Stages {
  readonly decoding: string[] = [];
  readonly batches: string[][] = [];
  readonly settled: string[] = [];
  readonly #decodes = new Map<string, (failure?: Error) => void>();
  #endBatch: () => void = () => {};

  decode({ job }: EncodeRun): Promise<VisualInput> {
    this.decoding.push(job.embeddingKey);
    const frames = new TextEncoder().encode(job.embeddingKey);
    const visual = { grid: job.grid, numFrames: 1, height: 1, width: job.grid.w, frames };
    return new Promise((resolve, reject) => {
      this.#decodes.set(job.embeddingKey, (failure) => (failure ? reject(failure) : resolve(visual)));
    });
  }

  encode(visuals: readonly VisualInput[]): Promise<Float32Array[]> {
    this.batches.push(visuals.map(({ frames }) => new TextDecoder().decode(frames)));
    return new Promise((resolve) => {
      this.#endBatch = () => resolve(visuals.map(() => new Float32Array(1)));
    });
  }

  settle({ job }: EncodeRun, outcome: Float32Array | Error): void {
    this.settled.push(outcome instanceof Error ? `${job.embeddingKey}: ${outcome.message}` : job.embeddingKey);
  }

  async endDecode(...names: string[]): Promise<void> {
    for (const name of names) this.#decodes.get(name)?.();
    await nextTurn();
  }

  async failDecode(name: string, failure: Error): Promise<void> {
    this.#decodes.get(name)?.(failure);
    await nextTurn();
  }

  async endBatch(): Promise<void> {
    this.#endBatch();
    await nextTurn();
  }
}

describe('EncodePipeline', () => {
  let stages: Stages;
  let pipeline: EncodePipeline;
  const start = (limits: Partial<PipelineLimits> = {}): void => {
    stages = new Stages();
    pipeline = new EncodePipeline(stages, { ...generous, ...limits });
  };
  beforeEach(() => start());
  const add = (...texts: string[]): EncodeRun[] => {
    const runs = texts.map(runOf);
    for (const run of runs) pipeline.add(run);
    return runs;
  };

  describe('decoding', () => {
    test('begins at once, with as many pictures as there are decoders', async () => {
      start({ numDecoders: 2 });
      add('a1', 'a2', 'a3');
      expect(stages.decoding).toEqual(['a1', 'a2']);
      expect(pipeline.numQueuedJobs).toBe(1);
      await stages.endDecode('a2');
      expect(stages.decoding).toEqual(['a1', 'a2', 'a3']);
    });

    test('goes on while the tower runs, as far as the pixels may reach', async () => {
      start({ maxDecodedBytes: 3 * 30 });
      add('a1:10', 'a2:10', 'a3:10', 'a4:10', 'a5:10');
      await stages.endDecode('a1', 'a2', 'a3');
      expect(stages.batches).toEqual([['a1']]);
      expect(stages.decoding).toEqual(['a1', 'a2', 'a3']);
      await stages.endBatch();
      expect(stages.batches).toEqual([['a1'], ['a2', 'a3']]);
      expect(stages.decoding).toEqual(['a1', 'a2', 'a3', 'a4']);
    });

    test('takes a picture above that bound alone', async () => {
      start({ maxDecodedBytes: 3 });
      add('a1:50', 'a2:50');
      await stages.endDecode('a1');
      expect(stages.decoding).toEqual(['a1']);
      await stages.endBatch();
      expect(stages.decoding).toEqual(['a1', 'a2']);
    });

    test('that fails ends its picture only', async () => {
      add('a1', 'a2');
      await stages.failDecode('a1', new Error('broken'));
      await stages.endDecode('a2');
      await stages.endBatch();
      expect(stages.settled).toEqual(['a1: broken', 'a2']);
    });

    test('is shared fairly between tenants, by patches', async () => {
      start({ numDecoders: 1 });
      add('a1:20', 'a2:20', 'a3:20', 'b1:10', 'b2:10', 'b3:10', 'c1:5');
      const order = ['a1', 'b1', 'c1', 'b2', 'a2', 'b3', 'a3'];
      for (const name of order) await stages.endDecode(name);
      expect(stages.decoding).toEqual(order);
    });

    test('starts even again when nothing was left to do', async () => {
      start({ numDecoders: 1 });
      add('a1:50');
      await stages.endDecode('a1');
      await stages.endBatch();
      add('c1', 'a2', 'b1');
      for (const name of ['c1', 'a2', 'b1']) await stages.endDecode(name);
      expect(stages.decoding).toEqual(['a1', 'c1', 'a2', 'b1']);
    });
  });

  const batches: readonly (readonly [title: string, pictures: readonly string[], expected: readonly string[][]])[] = [
    ['whatever fits', ['a1:30', 'a2:30', 'a3:30'], [['a1', 'a2', 'a3']]],
    ['as much as the limit exactly', ['a1:50', 'a2:50', 'a3:1'], [['a1', 'a2'], ['a3']]],
    ['nothing that came later than what does not fit', ['a1:60', 'a2:50', 'a3:10'], [['a1'], ['a2', 'a3']]],
    ['a picture above the limit alone', ['a1:500', 'a2:10', 'a3:500', 'a4:10'], [['a1'], ['a2'], ['a3'], ['a4']]],
  ];
  for (const [title, pictures, expected] of batches) {
    test(`takes into a batch ${title}`, async () => {
      add('x');
      await stages.endDecode('x');
      const runs = add(...pictures);
      await stages.endDecode(...runs.map(({ job }) => job.embeddingKey));
      for (let i = 0; i <= expected.length; i++) await stages.endBatch();
      expect(stages.batches).toEqual([['x'], ...expected]);
      expect(stages.settled).toEqual(['x', ...expected.flat()]);
    });
  }

  test('encodes what is decoded, in the order of the queue, and waits for no slow picture', async () => {
    add('x');
    await stages.endDecode('x');
    add('a1', 'b1', 'c1');
    await stages.endDecode('c1', 'b1');
    await stages.endBatch();
    await stages.endDecode('a1');
    await stages.endBatch();
    expect(stages.batches).toEqual([['x'], ['b1', 'c1'], ['a1']]);
  });

  describe('a run that is dropped', () => {
    for (const [title, reach] of [
      ['waits', async () => {}],
      ['is being decoded', async () => stages.endDecode('a2')],
      [
        'is decoded',
        async () => {
          for (const name of ['a2', 'a3']) await stages.endDecode(name);
        },
      ],
    ] as const) {
      test(`while it ${title} is neither encoded nor settled, and makes room`, async () => {
        start({ numDecoders: 1, maxDecodedBytes: 9 });
        const [, , run] = add('a1', 'a2', 'a3', 'a4');
        await stages.endDecode('a1');
        await reach();
        expect(pipeline.drop(run)).toBe(true);
        expect(pipeline.drop(run)).toBe(false);
        await stages.endDecode('a2', 'a3');
        await stages.endDecode('a4');
        for (let i = 0; i < 3; i++) await stages.endBatch();
        expect(stages.batches.flat()).toEqual(['a1', 'a2', 'a4']);
        expect(stages.settled).toEqual(['a1', 'a2', 'a4']);
      });
    }

    test('cannot be taken out of the tower', async () => {
      const [run] = add('a1');
      await stages.endDecode('a1');
      expect(pipeline.drop(run)).toBe(false);
      await stages.endBatch();
      expect(stages.settled).toEqual(['a1']);
    });
  });

  for (const [title, limits, message, facts] of [
    [
      'jobs',
      { maxQueuedJobs: 2 },
      '3 pictures would wait for the encoder; at most 2 may.',
      { limit: 2, given: 3, retryAfterSeconds: 1 },
    ],
    [
      'bytes',
      { maxQueuedBytes: 25 },
      '30 bytes of pictures would wait for the encoder; at most 25 may.',
      { limit: 25, given: 30, retryAfterSeconds: 1 },
    ],
  ] as const) {
    test(`refuses more ${title} than may wait, and takes the next when there is room`, async () => {
      start({ numDecoders: 1, ...limits });
      const [, waiting] = add('a1', 'a2', 'a3');
      expect(() => add('a4')).toThrow(expect.objectContaining({ reason: 'queue_full', message, facts }));
      expect(pipeline).toMatchObject({ numQueuedJobs: 2, numQueuedBytes: 20 });
      pipeline.drop(waiting);
      add('a4');
      expect(pipeline).toMatchObject({ numQueuedJobs: 2, numQueuedBytes: 20 });
    });
  }

  test('settles all but what the tower has when it is cleared', async () => {
    start({ numDecoders: 2 });
    add('a1', 'a2', 'a3', 'a4');
    await stages.endDecode('a1', 'a2');
    pipeline.clear(new ServingError('shutting_down', 'closing'));
    expect(stages.settled).toEqual(['a2: closing', 'a3: closing', 'a4: closing']);
    await stages.endDecode('a3', 'a4');
    await stages.endBatch();
    expect(stages.settled.at(-1)).toBe('a1');
    expect(stages.batches).toEqual([['a1']]);
    expect(pipeline).toMatchObject({ numQueuedJobs: 0, numQueuedBytes: 0 });
  });
});
