import { laneId } from '@tessera/domain';
import { createStepPlan, decodeChunk, explicitChunk, knownChunk } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { StepPrediction } from './step-prediction.js';

describe('StepPrediction', () => {
  const chunks = [knownChunk(laneId(0), 7), decodeChunk(laneId(1)), explicitChunk(laneId(2), [5, 6])];
  const tenRows = createStepPlan({ chunks });
  const oneRow = createStepPlan({ chunks: chunks.slice(1, 2) });

  test('is patient with a machine that it does not know', () => {
    expect(new StepPrediction({ factor: 2, floorMs: 30 }).limitMs(tenRows)).toBe(10 * 100 * 2 + 30);
  });

  test('allows a step a multiple of what its rows took before, and the floor', () => {
    const prediction = new StepPrediction({ factor: 3, floorMs: 1000 });
    prediction.observe(tenRows, 50);
    expect(prediction.limitMs(tenRows)).toBe(50 * 3 + 1000);
    expect(prediction.limitMs(oneRow)).toBe(5 * 3 + 1000);
  });

  test('follows a change by a tenth a step', () => {
    const prediction = new StepPrediction({ factor: 1, floorMs: 0 });
    for (const ms of [10, 20, 20]) prediction.observe(oneRow, ms);
    expect(prediction.limitMs(oneRow)).toBeCloseTo(10 + 1 + 0.9, 10);
  });

  test('learns nothing from a step without rows, which may take the floor', () => {
    const prediction = new StepPrediction({ factor: 1, floorMs: 40 });
    prediction.observe(createStepPlan(), 5000);
    expect(prediction.limitMs(createStepPlan())).toBe(40);
    expect(prediction.limitMs(oneRow)).toBe(140);
  });
});
