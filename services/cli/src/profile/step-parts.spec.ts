import { describe, expect, it } from 'vitest';
import { examplePhase, exampleRun } from '../testing/example-phase.js';
import { graphRole, partsOfStep, sumSplits, unprofiledHost } from './step-parts.js';

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

describe('the host of the unprofiled step', () => {
  const profiledGraphHost = 18 + 1;
  const outside = (graphsMs: number) => 90 - graphsMs - 8 - 3;
  const withRun = (durationMs: number) => {
    const unprofiled = { ...examplePhase.unprofiled, runs: [exampleRun('between-000', 0, durationMs)] };
    return unprofiledHost({ ...examplePhase, unprofiled });
  };

  it('is what is outside of graphs, and in them between what the profiled operations and the profiled host leave', () => {
    const graphs = 18 + 33 + 9.5;
    const { leastMs, mostMs } = unprofiledHost(examplePhase);
    expect(leastMs).toBeCloseTo(graphs - (10 + 12 + 20 + 9) + outside(graphs), 9);
    expect(mostMs).toBeCloseTo(profiledGraphHost + outside(graphs), 9);
  });

  it('is nothing in graphs at the least when profiling has lengthened their operations beyond them', () => {
    expect(withRun(40)).toEqual({ leastMs: outside(40), mostMs: profiledGraphHost + outside(40) });
  });

  it('is no more in a graph that happened to be slow than in the profiled one', () => {
    const most = profiledGraphHost + outside(75);
    expect(withRun(75)).toEqual({ leastMs: most, mostMs: most });
  });

  it('is no more in graphs than they took', () => {
    expect(withRun(12)).toEqual({ leastMs: outside(12), mostMs: 12 + outside(12) });
  });
});
