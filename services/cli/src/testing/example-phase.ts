import type { GraphRun, NodeRun } from '@tessera/engine';
import type { PhaseProfile } from '../profile/phase-profile.js';

/** A node that begins `startMs` after the step. */
export function exampleNode(name: string, startMs: number, durationMs: number, waitMs = 0): NodeRun {
  return { name, opType: name.split('/').at(-1) as string, startMs: stepStartMs + startMs, durationMs, waitMs };
}

/** A run that begins `startMs` after the step. */
export function exampleRun(
  name: string,
  startMs: number,
  durationMs: number,
  nodes: readonly NodeRun[] = [],
): GraphRun {
  return { graph: `decoder/rank-0/${name}.onnx`, startMs: stepStartMs + startMs, durationMs, nodes };
}

const stepStartMs = 500;

/**
 * A step of two layers, 100 ms long with profiling and 90 without:
 *
 *     between-000  0 … 20    q_proj/Gemm 10 ms
 *     between-001  30 … 70   q_proj/Gemm 12 ms, mlp/Mul 20 ms of which 5 waiting
 *     head         70 … 80   lm_head/Gemm 9 ms
 *     attention 8, all-reduce 3, sampling 4, rest 15
 */
export const examplePhase: PhaseProfile = {
  title: 'decode, B = 8, context 1024',
  numSteps: 5,
  profiled: {
    startMs: stepStartMs,
    spent: { totalMs: 100, attentionMs: 8, samplingMs: 4, allReduceMs: 3 },
    runs: [
      exampleRun('between-000', 0, 20, [exampleNode('/model/layers.0/self_attn/q_proj/Gemm', 1, 10)]),
      exampleRun('between-001', 30, 40, [
        exampleNode('/model/layers.1/self_attn/q_proj/Gemm', 31, 12),
        exampleNode('/model/layers.1/mlp/Mul', 44, 20, 5),
      ]),
      exampleRun('head', 70, 10, [exampleNode('/lm_head/Gemm', 70.5, 9)]),
    ],
  },
  unprofiled: {
    startMs: stepStartMs,
    spent: { totalMs: 90, attentionMs: 8, samplingMs: 4, allReduceMs: 3 },
    runs: [exampleRun('between-000', 0, 18), exampleRun('between-001', 28, 33), exampleRun('head', 61, 9.5)],
  },
};
