import { expect, test } from 'vitest';
import { mropeAngles } from './mrope-angles.js';

test('frequencies follow time, then height, then width in contiguous sections (spec §6.3)', () => {
  const config = { headDim: 128, ropeTheta: 1e6, mropeSections: [16, 24, 24] } as const;
  const { cos, sin } = mropeAngles(
    { temporal: Int32Array.of(0, 4), height: Int32Array.of(0, 5), width: Int32Array.of(0, 6) },
    config,
  );
  expect(cos.subarray(0, 64)).toEqual(new Float32Array(64).fill(1));
  expect(sin.subarray(0, 64)).toEqual(new Float32Array(64));
  for (const [j, angle] of [
    [0, 4],
    [15, 4 * 10 ** (-90 / 64)],
    [16, 0.158114],
    [39, 5 * 10 ** (-234 / 64)],
    [40, 0.001066968],
    [63, 6 * 1.2409378e-6],
  ] as const) {
    expect(cos[64 + j], `cos ${j}`).toBeCloseTo(Math.cos(angle), 6);
    expect(sin[64 + j], `sin ${j}`).toBeCloseTo(Math.sin(angle), 6);
  }
});
