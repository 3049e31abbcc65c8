import { laneId, type StepPlan } from '@tessera/domain';
import { createStepPlan, decodeChunk } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StepWatch, type WatchedStep } from './step-watch.js';

describe('StepWatch', () => {
  let silent: (readonly [stepId: number, ranks: number[], limitMs: number])[];
  let watch: StepWatch;
  beforeEach(() => {
    vi.useFakeTimers();
    silent = [];
    watch = new StepWatch({ factor: 1, floorMs: 1000 }, ({ plan, silentRanks }, limitMs) =>
      silent.push([plan.stepId, [...silentRanks], limitMs]),
    );
  });
  afterEach(() => vi.useRealTimers());

  const planOf = (stepId: number): StepPlan => createStepPlan({ stepId, chunks: [decodeChunk(laneId(0))] });
  const begin = (stepId: number): WatchedStep => watch.begin(planOf(stepId), 2);

  test('names the ranks that say nothing in time', () => {
    begin(7).silentRanks.delete(0);
    vi.advanceTimersByTime(1099);
    expect(silent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(silent).toEqual([[7, [1], 1100]]);
  });

  test('says nothing of steps that end in time', () => {
    for (let stepId = 0; stepId < 5; stepId++) {
      const step = begin(stepId);
      vi.advanceTimersByTime(900);
      watch.end(step, true);
    }
    vi.advanceTimersByTime(10_000);
    expect(silent).toEqual([]);
  });

  test('gives a step its time from the end of the one before', () => {
    const [first, second] = [begin(0), begin(1)];
    vi.advanceTimersByTime(1000);
    watch.end(first, false);
    vi.advanceTimersByTime(1000);
    expect(silent).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(silent).toEqual([[1, [0, 1], 1100]]);
    watch.end(second, false);
  });

  test('learns from steps that ran to their end only', () => {
    for (const isDone of [false, true]) {
      const step = begin(0);
      vi.advanceTimersByTime(10);
      watch.end(step, isDone);
    }
    begin(1);
    vi.advanceTimersByTime(1010);
    expect(silent.map(([, , limitMs]) => limitMs)).toEqual([1010]);
  });
});
