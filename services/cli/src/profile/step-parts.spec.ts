import { expect, it } from 'vitest';
import { examplePhase, exampleRun } from '../testing/example-phase.js';
import { graphRole, partsOfStep, sumSplits, unprofiledHostMs } from './step-parts.js';

const roles: [graph: string, role: string][] = [
  ['decoder/rank-0/between-012.onnx', 'between-*'],
  ['decoder/rank-1/attention-in-000.onnx', 'attention-in-*'],
  ['decoder/rank-0/head.onnx', 'head'],
  ['vision.onnx', 'vision'],
];
for (const [graph, role] of roles) {
  it(`takes ${graph} for ${role}`, () => expect(graphRole(graph)).toBe(role));
}

it('splits every part of a step into kernels, waiting and host', () => {
  const rows = partsOfStep(examplePhase.profiled).map((part) => [
    part.name,
    part.numRuns,
    part.totalMs,
    part.kernelMs,
    part.waitMs,
    part.hostMs,
  ]);
  expect(rows).toEqual([
    ['between-*', 2, 60, 37, 5, 18],
    ['head', 1, 10, 9, 0, 1],
    ['attention', undefined, 8, 8, 0, 0],
    ['all-reduce', undefined, 3, 0, 3, 0],
    ['sampling', undefined, 4, 0, 0, 4],
    ['rest', undefined, 15, 0, 0, 15],
  ]);
});

it('accounts for all of a step', () => {
  expect(sumSplits(partsOfStep(examplePhase.profiled))).toEqual({ totalMs: 100, kernelMs: 54, waitMs: 8, hostMs: 38 });
});

it('leaves out what took no time', () => {
  const spent = { totalMs: 12, attentionMs: 0, samplingMs: 0, allReduceMs: 0 };
  const parts = partsOfStep({ startMs: 0, spent, runs: [exampleRun('vision', 0, 12)] });
  expect(parts.map(({ name }) => name)).toEqual(['vision']);
});

it("takes the profiled operations from the unprofiled graphs, and adds what isn't in graphs", () => {
  const inGraphs = 18 + 33 + 9.5 - (10 + 12 + 20 + 9);
  const outside = 90 - (18 + 33 + 9.5) - 8 - 3;
  expect(unprofiledHostMs(examplePhase)).toBeCloseTo(inGraphs + outside, 9);
});

it('lets operations that profiling has lengthened hide no other host time', () => {
  const runs = [exampleRun('between-000', 0, 40)];
  const unprofiled = { ...examplePhase.unprofiled, runs };
  expect(unprofiledHostMs({ ...examplePhase, unprofiled })).toBe(90 - 40 - 8 - 3);
});

it('takes no more for host in an unprofiled graph that happened to be slow than in the profiled one', () => {
  const runs = [exampleRun('between-000', 0, 75)];
  const unprofiled = { ...examplePhase.unprofiled, runs };
  expect(unprofiledHostMs({ ...examplePhase, unprofiled })).toBe(18 + 1 + (90 - 75 - 8 - 3));
});
