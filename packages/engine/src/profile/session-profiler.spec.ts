import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { expect, it, onTestFinished } from 'vitest';
import { SessionProfiler } from './session-profiler.js';

/** A session that returns what it is fed, beside the trace that it has written. */
async function tracedSession({ profileFilePrefix }: InferenceSession.SessionOptions, events: readonly object[]) {
  await writeFile(`${profileFilePrefix}_2026.json`, JSON.stringify(events));
  const calls: string[] = [];
  const session = {
    run: async (feeds: unknown) => feeds,
    endProfiling: () => calls.push('endProfiling'),
  } as unknown as InferenceSession;
  return { session, calls };
}

const modelRun = (ts: number, dur: number) => ({ cat: 'Session', name: 'model_run', ts, dur, args: {} });
const gemm = (ts: number, dur: number) => ({
  cat: 'Node',
  name: '/x/Gemm_kernel_time',
  ts,
  dur,
  args: { op_name: 'Gemm' },
});

async function createProfiler(): Promise<SessionProfiler> {
  const profiler = await SessionProfiler.create();
  onTestFinished(() => profiler.close());
  return profiler;
}

it('is found by everything that runs inside watch, and by nothing outside', async () => {
  const profiler = await createProfiler();
  const seen = await profiler.watch(async () => {
    await Promise.resolve();
    return SessionProfiler.current;
  });
  expect(seen).toBe(profiler);
  expect(SessionProfiler.current).toBeUndefined();
});

it('joins the runs it saw with the nodes of the trace, on its own clock', async () => {
  const profiler = await createProfiler();
  const events = [gemm(5_010, 40), modelRun(5_000, 100), gemm(9_020, 60), modelRun(9_000, 100)];
  const { session } = await tracedSession(profiler.sessionOptions, events);
  profiler.observe('a.onnx', session);
  const beforeMs = performance.now();
  expect(await session.run({})).toEqual({});
  await session.run({});
  await profiler.finish();
  const { runs } = profiler;
  expect(runs.map(({ graph }) => graph)).toEqual(['a.onnx', 'a.onnx']);
  expect(runs[0].startMs).toBeGreaterThanOrEqual(beforeMs);
  const [node] = runs[1].nodes;
  expect(node).toMatchObject({ name: '/x/Gemm', opType: 'Gemm', durationMs: 0.06 });
  expect(node.startMs - runs[1].startMs).toBeCloseTo(0.02, 6);
});

it('keeps the traces of its sessions apart, however many there are', async () => {
  const profiler = await createProfiler();
  for (let i = 0; i < 11; i++) {
    const { session } = await tracedSession(profiler.sessionOptions, [gemm(1, i), modelRun(0, 50)]);
    profiler.observe(`${i}.onnx`, session);
    await session.run({});
  }
  await profiler.finish();
  const { runs } = profiler;
  const found = runs.map(({ graph, nodes }) => [graph, nodes[0].durationMs]);
  expect(found).toEqual(Array.from({ length: 11 }, (_, i) => [`${i}.onnx`, i / 1000]));
});

it('ends profiling, and notes later runs without nodes', async () => {
  const profiler = await createProfiler();
  const { session, calls } = await tracedSession(profiler.sessionOptions, [gemm(1, 5), modelRun(0, 50)]);
  profiler.observe('a.onnx', session);
  await session.run({});
  await profiler.finish();
  expect(calls).toEqual(['endProfiling']);
  await session.run({});
  expect(profiler.runs.map(({ nodes }) => nodes.length)).toEqual([1, 0]);
});

it('refuses a trace with another number of runs', async () => {
  const profiler = await createProfiler();
  const { session } = await tracedSession(profiler.sessionOptions, [modelRun(0, 50)]);
  profiler.observe('a.onnx', session);
  await expect(profiler.finish()).rejects.toThrow('The trace of a.onnx has 1 runs instead of 0.');
});

it('removes its folder when closed', async () => {
  const profiler = await SessionProfiler.create();
  const dir = dirname(profiler.sessionOptions.profileFilePrefix as string);
  expect(existsSync(dir)).toBe(true);
  await profiler.close();
  expect(existsSync(dir)).toBe(false);
});
