import { expect, it } from 'vitest';
import { exampleNode, examplePhase, exampleRun } from '../testing/example-phase.js';
import { type FlameNode, flameOfPhase } from './flame-tree.js';

/** A tree as lines, indented by depth. */
function outline({ name, ms, kind, children }: FlameNode, indent = ''): string[] {
  return [`${indent}${name} ${ms} ${kind}`, ...children.flatMap((child) => outline(child, `${indent}  `))];
}

it('goes from the step over graphs and the levels of a path down to operations', () => {
  expect(outline(flameOfPhase(examplePhase))).toEqual([
    'decode, B = 8, context 1024 100 group',
    '  between-000 20 group',
    '    layers.0 10 group',
    '      self_attn 10 group',
    '        q_proj 10 group',
    '          Gemm 10 kernel',
    '    between operations 10 host',
    '  between-001 40 group',
    '    layers.1 32 group',
    '      self_attn 12 group',
    '        q_proj 12 group',
    '          Gemm 12 kernel',
    '      mlp 20 group',
    '        Mul 20 kernel',
    '          waiting for threads 5 waiting',
    '    between operations 8 host',
    '  head 10 group',
    '    lm_head 9 group',
    '      Gemm 9 kernel',
    '    between operations 1 host',
    '  attention 8 kernel',
    '  all-reduce 3 waiting',
    '  sampling 4 host',
    '  rest 15 host',
  ]);
});

it('adds up nodes of one name, and keeps a node beside the levels below its path', () => {
  const nodes = [exampleNode('/a/Add', 0, 1), exampleNode('/a/Add/Cast', 1, 2), exampleNode('/a/Add', 3, 4)];
  const spent = { totalMs: 7, attentionMs: 0, samplingMs: 0, allReduceMs: 0 };
  const profiled = { startMs: 500, spent, runs: [exampleRun('vision', 0, 7, nodes)] };
  expect(outline(flameOfPhase({ ...examplePhase, profiled })).slice(2)).toEqual([
    '    a 7 group',
    '      Add 7 group',
    '        Add 5 kernel',
    '        Cast 2 kernel',
    '    between operations 0 host',
  ]);
});
