import type { GraphRun } from '@tessera/engine';
import { groupBy } from './group-by.js';
import type { PhaseProfile, RecordedStep } from './phase-profile.js';

/** Disjoint parts of a time; they sum to `totalMs`. */
export interface TimeSplit {
  readonly totalMs: number;
  /** Inside operations of graphs and inside the attention kernel, less what is waiting. */
  readonly kernelMs: number;
  /** For helper threads at the end of an operation's loops, or for other ranks. */
  readonly waitMs: number;
  /** All else. */
  readonly hostMs: number;
}

export interface StepPart extends TimeSplit {
  readonly name: string;
  /** Graph runs; undefined for what is no graph. */
  readonly numRuns?: number;
}

/** The name of a graph without its layer: `decoder/rank-0/between-012.onnx` → `between-*`. */
export function graphRole(graph: string): string {
  return graph
    .replace(/^.*\//, '')
    .replace(/\.onnx$/, '')
    .replace(/\d+$/, '*');
}

/** Where a step's time went, in the order in which the parts first ran; parts that took no time are left out. */
export function partsOfStep({ spent, runs }: RecordedStep): StepPart[] {
  const { totalMs, attentionMs, samplingMs, allReduceMs } = spent;
  const graphs = [...groupBy(runs, ({ graph }) => graphRole(graph))].map(([name, group]) => graphPart(name, group));
  const inParts = [...graphs.map((part) => part.totalMs), attentionMs, samplingMs, allReduceMs];
  const restMs = inParts.reduce((rest, ms) => rest - ms, totalMs);
  const others = [
    { name: 'attention', ...split(attentionMs, { kernelMs: attentionMs }) },
    { name: 'all-reduce', ...split(allReduceMs, { waitMs: allReduceMs }) },
    { name: 'sampling', ...split(samplingMs, {}) },
    { name: 'rest', ...split(restMs, {}) },
  ];
  return [...graphs, ...others.filter((part) => part.totalMs > 0)];
}

/** One split of several. */
export function sumSplits(splits: readonly TimeSplit[]): TimeSplit {
  const sum = (field: keyof TimeSplit): number => splits.reduce((total, part) => total + part[field], 0);
  return { totalMs: sum('totalMs'), kernelMs: sum('kernelMs'), waitMs: sum('waitMs'), hostMs: sum('hostMs') };
}

/** Milliseconds between which the host of a step lies. */
export interface HostBounds {
  readonly leastMs: number;
  readonly mostMs: number;
}

/**
 * What of the unprofiled step is no kernel: all outside of its graphs, and of what their runs took at least what is
 * beyond the operations of the profiled step, since profiling shortens none, and at most what was beyond them in the
 * profiled step, to which profiling adds.
 */
export function unprofiledHost({ profiled, unprofiled }: PhaseProfile): HostBounds {
  const parts = partsOfStep(unprofiled);
  const isGraph = ({ numRuns }: StepPart): boolean => numRuns !== undefined;
  const graphs = sumSplits(parts.filter(isGraph));
  const profiledGraphs = sumSplits(partsOfStep(profiled).filter(isGraph));
  const outsideMs = sumSplits(parts).hostMs - graphs.hostMs;
  const beyondOperationsMs = Math.max(0, graphs.totalMs - profiledGraphs.kernelMs - profiledGraphs.waitMs);
  return {
    leastMs: outsideMs + Math.min(beyondOperationsMs, profiledGraphs.hostMs),
    mostMs: outsideMs + Math.min(graphs.totalMs, profiledGraphs.hostMs),
  };
}

function graphPart(name: string, runs: readonly GraphRun[]): StepPart {
  const nodes = runs.flatMap((run) => run.nodes);
  const nodeMs = nodes.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const waitMs = nodes.reduce((sum, node) => sum + node.waitMs, 0);
  const totalMs = runs.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return { name, numRuns: runs.length, ...split(totalMs, { kernelMs: nodeMs - waitMs, waitMs }) };
}

function split(totalMs: number, { kernelMs = 0, waitMs = 0 }: Partial<TimeSplit>): TimeSplit {
  return { totalMs, kernelMs, waitMs, hostMs: totalMs - kernelMs - waitMs };
}
