import type { NodeRun } from '@tessera/engine';
import { type Alignment, alignColumns } from '../inspect/align-columns.js';
import { groupByOp, groupByRole, type NodeGroup } from './node-groups.js';
import type { PhaseProfile } from './phase-profile.js';
import { partsOfStep, type StepPart, sumSplits, type TimeSplit, unprofiledHost } from './step-parts.js';

/** What every column means and what profiling does to the figures; printed under the tables. */
export const legend = [
  'kernels  inside the operations of the graphs, and inside the attention kernel with its copies',
  'waiting  of the calling thread for helper threads at the end of an operation, and for other ranks in an all-reduce;',
  '         not measured inside the attention kernel, where it counts as kernels',
  'host     all else: calling a graph, what ONNX Runtime does between operations, sampling, preparing inputs',
  '',
  "Tables hold the median step with ONNX Runtime's profiling on, which takes time of its own: mostly between operations,",
  'so the host of that step is too high, and a little inside them. The step without profiling was timed afterwards with',
  'the same sessions, graph by graph. Its host is given by two bounds. Outside of graphs both have what was measured. In',
  'them the lower one has what the graphs took beyond the operations of the profiled step, which profiling lengthened; the',
  'upper one what they took beyond them in the profiled step, to which profiling adds.',
  'Buffers from 1 MiB on are mapped anew each time (MALLOC_MMAP_THRESHOLD_), which can make a long prefill a little slower.',
].join('\n');

/** Tables of one phase; of the nodes by role, the `numNodes` that take longest. */
export function formatPhase(phase: PhaseProfile, numNodes: number): string {
  const { profiled } = phase;
  const { totalMs } = profiled.spent;
  const nodes = profiled.runs.flatMap((run) => run.nodes);
  return [
    describePhase(phase),
    partsTable(partsOfStep(profiled), totalMs),
    groupsTable(['operation'], groupByOp(nodes), ({ name }) => [name], totalMs),
    rolesTable(nodes, totalMs, numNodes),
  ].join('\n\n');
}

/** The phase in three lines: what it is, how long a step took, and between which bounds its host lies. */
export function describePhase(phase: PhaseProfile): string {
  const { title, numSteps, profiled, unprofiled } = phase;
  const { leastMs, mostMs } = unprofiledHost(phase);
  const { totalMs } = unprofiled.spent;
  return [
    `${title}, median of ${numSteps}`,
    `step  ${ms(totalMs)} ms, ${ms(profiled.spent.totalMs)} ms with profiling`,
    `host  ${percent(leastMs, totalMs)} – ${share(mostMs, totalMs)} of the step (${ms(leastMs)} – ${ms(mostMs)} ms)`,
  ].join('\n');
}

function partsTable(parts: readonly StepPart[], totalMs: number): string {
  const row = (name: string, numRuns: number | undefined, part: TimeSplit): string[] => [
    name,
    numRuns === undefined ? '' : String(numRuns),
    ms(part.totalMs),
    share(part.totalMs, totalMs),
    ms(part.kernelMs),
    ms(part.waitMs),
    ms(part.hostMs),
  ];
  const rows = [
    ['part of the step', 'runs', 'ms', 'share', 'kernels', 'waiting', 'host'],
    ...parts.map((part) => row(part.name, part.numRuns, part)),
    row('step', undefined, sumSplits(parts)),
  ];
  return alignColumns(rows, ['left', 'right', 'right', 'right', 'right', 'right', 'right']).join('\n');
}

function rolesTable(nodes: readonly NodeRun[], totalMs: number, numNodes: number): string {
  const groups = groupByRole(nodes);
  const left = groups.slice(numNodes);
  const rest = left.length === 0 ? [] : [sumGroups(`${left.length} more`, left)];
  const listed = [...groups.slice(0, numNodes), ...rest];
  return groupsTable(['node of every layer', 'operation'], listed, ({ name, opType }) => [name, opType], totalMs);
}

/** A row a group: the cells that name it, then its figures. */
function groupsTable(
  headings: readonly string[],
  groups: readonly NodeGroup[],
  namesOf: (group: NodeGroup) => string[],
  totalMs: number,
): string {
  const figuresOf = (group: NodeGroup): string[] => [
    String(group.numCalls),
    ms(group.totalMs),
    share(group.totalMs, totalMs),
    ms(group.waitMs),
  ];
  const rows = [
    [...headings, 'calls', 'ms', 'share', 'waiting'],
    ...groups.map((group) => [...namesOf(group), ...figuresOf(group)]),
  ];
  const alignments = rows[0].map((_, column): Alignment => (column < headings.length ? 'left' : 'right'));
  return alignColumns(rows, alignments).join('\n');
}

function sumGroups(name: string, groups: readonly NodeGroup[]): NodeGroup {
  const sum = (field: 'numCalls' | 'totalMs' | 'waitMs'): number =>
    groups.reduce((sum, group) => sum + group[field], 0);
  return { name, opType: '', numCalls: sum('numCalls'), totalMs: sum('totalMs'), waitMs: sum('waitMs') };
}

const ms = (value: number): string => value.toFixed(2);
const percent = (part: number, whole: number): string => ((100 * part) / whole).toFixed(1);
const share = (part: number, whole: number): string => `${percent(part, whole)} %`;
