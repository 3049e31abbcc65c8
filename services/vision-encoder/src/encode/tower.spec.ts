import { ServingError, type VisualInput } from '@tessera/domain';
import { FakeEncoderEngine } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { type EncodedBatch, Tower } from './tower.js';

const visualOf = (byte: number): VisualInput => ({
  grid: { t: 1, h: 2, w: 2 },
  numFrames: 1,
  height: 28,
  width: 28,
  frames: new Uint8Array(28 * 28 * 3).fill(byte),
});
const [one, two, three] = [visualOf(1), visualOf(2), visualOf(3)];

describe('Tower', () => {
  let engine: FakeEncoderEngine;
  let tower: Tower;
  let batches: EncodedBatch[];
  beforeEach(() => {
    engine = new FakeEncoderEngine();
    batches = [];
    tower = new Tower(engine, (batch) => batches.push(batch));
  });

  test('gives the rows of each visual and says what was run', async () => {
    const outcomes = await tower.encode([one, two]);
    expect(outcomes).toEqual(await engine.encode([one, two]));
    expect(batches).toMatchObject([{ numVisuals: 2, numPatches: 8 }]);
  });

  test('runs the visuals of a batch that fails one by one, so that only the one at fault fails', async () => {
    const isBad = (visuals: readonly VisualInput[]) => visuals.includes(two);
    const calls: (readonly VisualInput[])[] = [];
    const picky = {
      encode: async (visuals: readonly VisualInput[]) => {
        calls.push(visuals);
        if (isBad(visuals)) throw new ServingError('internal', 'Bad rows.');
        return engine.encode(visuals);
      },
    };
    for (const visuals of [
      [one, two, three],
      [one, two],
      [two, three],
    ]) {
      const outcomes = await new Tower(picky, () => {}).encode(visuals);
      expect(outcomes.map((outcome) => outcome instanceof Error)).toEqual(visuals.map((visual) => visual === two));
    }
    expect(calls.slice(0, 4)).toEqual([[one, two, three], [one], [two], [three]]);
  });

  test('runs a visual that fails alone no second time', async () => {
    engine.failNextEncode(new ServingError('internal', 'Bad rows.'));
    expect(await tower.encode([one])).toMatchObject([{ message: 'Bad rows.' }]);
    expect(engine.batches).toEqual([]);
  });

  test('is lost with its engine, without another try', async () => {
    let numCalls = 0;
    const dead = {
      encode: async () => {
        numCalls++;
        throw new ServingError('worker_failed', 'The engine thread exited with code 1.');
      },
    };
    tower = new Tower(dead, () => {});
    expect(await tower.encode([one, two])).toMatchObject([{ reason: 'worker_failed' }, { reason: 'worker_failed' }]);
    expect(await tower.lost).toMatchObject({ reason: 'worker_failed' });
    expect(numCalls).toBe(1);
  });
});
