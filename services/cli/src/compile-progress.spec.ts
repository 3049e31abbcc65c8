import type { CompileProgress } from '@tessera/onnx-graph';
import { describe, expect, it } from 'vitest';
import { createCompileProgress } from './compile-progress.js';

/** What is written on a screen that is no terminal; every step takes a second, every line is due. */
function follow() {
  const lines: string[] = [];
  let nowMs = 0;
  const stream = { write: (text: string) => lines.push(text.trimEnd()) };
  const bars = createCompileProgress({ stream, now: () => nowMs, lineIntervalMs: 1_000 });
  const report = (phase: CompileProgress['phase'], doneBytes: number, totalBytes: number) => {
    nowMs += 1_000;
    bars.onProgress({ phase, doneBytes, totalBytes });
  };
  return { lines, report, finish: bars.finish };
}

describe('createCompileProgress', () => {
  it('draws one bar a phase, each ended by the next', () => {
    const { lines, report, finish } = follow();
    report('digest', 1e9, 2e9);
    report('digest', 2e9, 2e9);
    report('weights', 1e9, 4e9);
    report('weights', 4e9, 4e9);
    report('probe', 0, 0);
    finish();
    expect(lines.map((line) => line.split(',')[0])).toEqual([
      'Reading checkpoint: 100 %',
      'Reading checkpoint: 2.00 GB in 2 s',
      'Writing engine: 100 %',
      'Writing engine: 4.00 GB in 2 s',
    ]);
  });

  it('leaves a bar where it was when the work is broken off', () => {
    const { lines, report, finish } = follow();
    report('weights', 1e9, 4e9);
    finish();
    expect(lines).toEqual(['Writing engine: stopped at 25 %']);
  });

  it('shows nothing of what is over at once', () => {
    const { lines, report, finish } = follow();
    report('digest', 1e6, 1e6);
    report('weights', 5e6, 1e7);
    finish();
    expect(lines).toEqual([]);
  });

  it('may be finished before anything began, and twice', () => {
    const { lines, report, finish } = follow();
    finish();
    report('weights', 4e9, 4e9);
    finish();
    finish();
    expect(lines).toHaveLength(1);
  });
});
