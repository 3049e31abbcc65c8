import { expect, it } from 'vitest';
import { examplePhase } from '../testing/example-phase.js';
import { chromeTrace } from './chrome-trace.js';

it('puts a step, its graphs and their operations on one line in microseconds from the step on', () => {
  const { traceEvents } = JSON.parse(chromeTrace([examplePhase]));
  expect(traceEvents[0]).toMatchObject({ ph: 'M', pid: 1, args: { name: 'decode, B = 8, context 1024' } });
  const spans = traceEvents.slice(1).map(({ cat, name, ts, dur }: Record<string, unknown>) => [cat, name, ts, dur]);
  expect(spans.slice(0, 3)).toEqual([
    ['step', 'step', 0, 100_000],
    ['graph', 'decoder/rank-0/between-000.onnx', 0, 20_000],
    ['operation', '/model/layers.0/self_attn/q_proj/Gemm', 1_000, 10_000],
  ]);
  expect(traceEvents.at(-3)).toMatchObject({
    name: '/model/layers.1/mlp/Mul',
    args: { operation: 'Mul', waitingUs: 5_000 },
  });
});

it('gives each phase a process of its own', () => {
  const { traceEvents } = JSON.parse(chromeTrace([examplePhase, examplePhase]));
  expect([...new Set(traceEvents.map(({ pid }: { pid: number }) => pid))]).toEqual([1, 2]);
});
