import type { PhaseProfile } from './phase-profile.js';

/** An event of the Trace Event Format, which Perfetto and chrome://tracing open; times in microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly cat?: string;
  readonly ph: 'X' | 'M';
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: Readonly<Record<string, string | number>>;
}

/** The profiled steps on a time line: a process a phase, in it the step, its graphs and their operations. */
export function chromeTrace(phases: readonly PhaseProfile[]): string {
  return JSON.stringify({ displayTimeUnit: 'ms', traceEvents: phases.flatMap(eventsOfPhase) });
}

function eventsOfPhase({ title, profiled }: PhaseProfile, phase: number): TraceEvent[] {
  const place = { pid: phase + 1, tid: 1 };
  const us = (ms: number): number => Math.round(ms * 1000);
  const complete = (cat: string, name: string, startMs: number, durationMs: number): TraceEvent => {
    return { name, cat, ph: 'X', ...place, ts: us(startMs - profiled.startMs), dur: us(durationMs) };
  };
  return [
    { name: 'process_name', ph: 'M', ...place, args: { name: title } },
    complete('step', 'step', profiled.startMs, profiled.spent.totalMs),
    ...profiled.runs.flatMap((run) => [
      complete('graph', run.graph, run.startMs, run.durationMs),
      ...run.nodes.map((node) => ({
        ...complete('operation', node.name, node.startMs, node.durationMs),
        args: { operation: node.opType, waitingUs: us(node.waitMs) },
      })),
    ]),
  ];
}
