import { expect, it } from 'vitest';
import { parseSessionTrace } from './parse-session-trace.js';

const session = (name: string, ts: number, dur: number) => ({ cat: 'Session', name, ts, dur, args: {} });

/** A node as ONNX Runtime 1.30 writes it, without the fields that are not read. */
function node(name: string, ts: number, dur: number, wait?: { Wait: number; WaitRevoke: number }) {
  const stats = wait && { thread_scheduling_stats: { main_thread: wait } };
  return { cat: 'Node', name: `${name}_kernel_time`, ts, dur, args: { op_name: name.split('/').at(-1), ...stats } };
}

it('gives each run the nodes inside it, in the order in which they ran', () => {
  const trace = JSON.stringify([
    session('model_loading_uri', 1, 50),
    node('/a/Gemm', 110, 20),
    node('/b/Add', 140, 5),
    session('SequentialExecutor::Execute', 105, 55),
    session('model_run', 100, 70),
    node('/b/Add', 250, 6),
    node('/a/Gemm', 210, 30),
    session('model_run', 200, 80),
  ]);
  const runs = parseSessionTrace(trace);
  expect(runs.map(({ startUs, durationUs }) => [startUs, durationUs])).toEqual([
    [100, 70],
    [200, 80],
  ]);
  const durations = runs.map(({ nodes }) => nodes.map(({ name, opType, durationUs }) => [name, opType, durationUs]));
  expect(durations).toEqual([
    [
      ['/a/Gemm', 'Gemm', 20],
      ['/b/Add', 'Add', 5],
    ],
    [
      ['/a/Gemm', 'Gemm', 30],
      ['/b/Add', 'Add', 6],
    ],
  ]);
});

it("takes the calling thread's waiting from the scheduling statistics, at most the whole node", () => {
  const nodes = [
    node('/a/Gemm', 1, 20, { Wait: 6, WaitRevoke: 1 }),
    node('/b/Gemm', 30, 4, { Wait: 5, WaitRevoke: 0 }),
    node('/c/Gemm', 40, 9),
  ];
  const [run] = parseSessionTrace(JSON.stringify([...nodes, session('model_run', 0, 60)]));
  expect(run.nodes.map(({ waitUs }) => waitUs)).toEqual([7, 4, 0]);
});

it('finds no run in the trace of a session that never ran', () => {
  expect(parseSessionTrace(JSON.stringify([session('session_initialization', 1, 50)]))).toEqual([]);
});
