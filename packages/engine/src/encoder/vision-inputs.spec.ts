import type { Grid, VisualInput } from '@tessera/domain';
import { SeededRandom } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { createVisionInputs, runKey, type VisionInputs } from './vision-inputs.js';

type Parameter<Index extends 1 | 2> = Parameters<typeof createVisionInputs>[Index];

/** Patches of one pixel and windows of 2 × 2 units, so that rows can be told apart and drawn. */
const config = {
  hiddenSize: 8,
  headDim: 8,
  patchSize: 1,
  temporalPatchSize: 2,
  spatialMergeSize: 2,
  windowSize: 4,
} as Parameter<1>;
const processing = {
  patchSize: 1,
  temporalPatchSize: 2,
  spatialMergeSize: 2,
  rescaleFactor: 1,
  imageMean: [0, 0, 0],
  imageStd: [1, 1, 1],
} as unknown as Parameter<2>;
const windowLen = 16;
const rowLen = 6;

/** A visual whose bytes count on from `first`, modulo 251. */
function createVisual(grid: Grid, first = 0): VisualInput {
  const frameSize = grid.h * grid.w * 3;
  const frames = Uint8Array.from({ length: 2 * grid.t * frameSize }, (_, i) => (first + i) % 251);
  return { grid, numFrames: 2 * grid.t, height: grid.h, width: grid.w, frames };
}

const grids: readonly Grid[] = [
  { t: 1, h: 2, w: 2 },
  { t: 1, h: 4, w: 4 },
  { t: 1, h: 2, w: 10 },
  { t: 1, h: 10, w: 6 },
  { t: 3, h: 6, w: 2 },
];

describe('runKey', () => {
  const key = (h: number, w: number, numFrames: number) =>
    runKey({ grid: { t: Math.ceil(numFrames / 2), h, w }, numFrames, height: h, width: w, frames: new Uint8Array() });

  test('joins what has as many patches a frame, stills and videos each among themselves', () => {
    expect(key(4, 6, 1)).toBe(key(2, 12, 1));
    expect(key(4, 6, 2)).toBe(key(6, 4, 8));
    expect(key(4, 6, 1)).not.toBe(key(4, 6, 2));
    expect(key(4, 6, 1)).not.toBe(key(4, 4, 1));
  });
});

describe('createVisionInputs', () => {
  for (const grid of grids) {
    const inputs = createVisionInputs([createVisual(grid)], config, processing);
    const title = `${grid.t} × ${grid.h} × ${grid.w} patches`;

    test(`finds every row again in its window's slot: ${title}`, () => {
      expect(inputs.windowSlots.length).toBe(inputs.numPatches);
      for (const [row, slot] of inputs.windowSlots.entries()) {
        expect(inputs.windowRows[Number(slot)]).toBe(BigInt(row));
        expect(inputs.windowMask[Number(slot)]).toBe(1);
      }
      expect(new Set(inputs.windowSlots).size).toBe(inputs.numPatches);
    });

    test(`masks the slots that no row has, and only them: ${title}`, () => {
      const taken = new Set([...inputs.windowSlots].map(Number));
      expect([...inputs.windowMask]).toEqual(Array.from(inputs.windowMask, (_, slot) => (taken.has(slot) ? 1 : 0)));
      const masked = [...inputs.windowRows].filter((_, slot) => !taken.has(slot));
      expect(masked.every((row) => row === 0n)).toBe(true);
    });

    test(`fills each window from its beginning with rows of one place: ${title}`, () => {
      for (const window of windowsOf(inputs)) {
        expect(window.length).toBeGreaterThan(0);
        expect(window.length % 4).toBe(0);
        expect(window).toEqual(window.map((_, i) => window[0] + i));
        const places = window.map((row) => placeOf(row, inputs, grid));
        expect(new Set(places.map(({ t, y, x }) => `${t}/${Math.floor(y / 4)}/${Math.floor(x / 4)}`)).size).toBe(1);
      }
    });

    test(`carries patches and angles in the tower's order and finds the way back: ${title}`, () => {
      const { numMerged, reverseIndex, windowIndex } = inputs;
      expect([...reverseIndex].map((unit) => windowIndex[Number(unit)])).toEqual(
        Array.from({ length: numMerged }, (_, unit) => unit),
      );
      for (let row = 0; row < inputs.numPatches; row++) {
        const { t, y, x } = placeOf(row, inputs, grid);
        const pixels = [0, 1, 2].flatMap((channel) =>
          [2 * t, 2 * t + 1].map((frame) => (((frame * grid.h + y) * grid.w + x) * 3 + channel) % 251),
        );
        expect([...inputs.patches.subarray(row * rowLen, (row + 1) * rowLen)]).toEqual(pixels);
        expect(inputs.cos[row * 4]).toBeCloseTo(Math.cos(y), 6);
        expect(inputs.sin[row * 4 + 2]).toBeCloseTo(Math.sin(x), 6);
      }
    });

    test(`says how many frames of how many patches there are: ${title}`, () => {
      expect([...inputs.frameShape]).toEqual([BigInt(grid.t), BigInt(grid.h * grid.w), 8n]);
    });
  }

  test('gives stills half a row', () => {
    const { frames, ...visual } = createVisual({ t: 1, h: 2, w: 4 });
    const still = { ...visual, numFrames: 1, frames: frames.subarray(0, 24) };
    const inputs = createVisionInputs([still], config, processing);
    expect([inputs.isStill, inputs.patches.length]).toEqual([true, 8 * (rowLen / 2)]);
  });

  test('runs several visuals as the rows of each, one after the other', () => {
    const random = new SeededRandom(1);
    const shapes = [
      { t: 1, h: 6, w: 4 },
      { t: 2, h: 4, w: 6 },
      { t: 1, h: 2, w: 12 },
    ];
    const visuals = shapes.map((grid) => createVisual(grid, random.integer(1, 200)));
    const joint = createVisionInputs(visuals, config, processing);
    const single = visuals.map((visual) => createVisionInputs([visual], config, processing));
    for (const name of ['patches', 'cos', 'sin', 'windowMask'] as const) {
      expect([...joint[name]], name).toEqual(single.flatMap((inputs) => [...inputs[name]]));
    }
    expect([...joint.frameShape]).toEqual([4n, 24n, 8n]);
    expect(joint.numMerged).toBe(24);
    const offsets = [0n, 6n, 18n];
    expect([...joint.reverseIndex]).toEqual(
      single.flatMap(({ reverseIndex }, i) => [...reverseIndex].map((unit) => unit + offsets[i])),
    );
  });
});

/** The rows of each window, in order of their slots. */
function windowsOf({ windowRows, windowMask }: VisionInputs): number[][] {
  return Array.from({ length: windowMask.length / windowLen }, (_, window) => {
    const slots = Array.from({ length: windowLen }, (_, i) => window * windowLen + i);
    return slots.filter((slot) => windowMask[slot] === 1).map((slot) => Number(windowRows[slot]));
  });
}

/** Where in the visual a row of the tower comes from. */
function placeOf(row: number, { windowIndex }: VisionInputs, { h, w }: Grid) {
  const unit = windowIndex[Math.floor(row / 4)];
  const unitsPerFrame = (h * w) / 4;
  const inFrame = unit % unitsPerFrame;
  const y = 2 * Math.floor(inFrame / (w / 2)) + Math.floor((row % 4) / 2);
  const x = 2 * (inFrame % (w / 2)) + (row % 2);
  return { t: Math.floor(unit / unitsPerFrame), y, x };
}
