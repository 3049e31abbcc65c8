import { expect, it } from 'vitest';
import { exampleNode } from '../testing/example-phase.js';
import { groupByOp, groupByRole, nodePath, nodeRole } from './node-groups.js';

const roles: [name: string, role: string][] = [
  ['/model/layers.11/mlp/down_proj/MatMulIntegerToFloat', 'mlp/down_proj'],
  ['/visual/blocks.3/attn/q/RotaryEmbedding', 'attn/q'],
  ['/model/layers.0/mlp/Mul', 'mlp'],
  ['/next_residual/Identity', 'next_residual'],
  ['BiasGelu', 'BiasGelu'],
];
for (const [name, role] of roles) {
  it(`folds ${name} to ${role}`, () => expect(nodeRole(exampleNode(name, 0, 1))).toBe(role));
}

it('keeps the operation in the role of a node that is named otherwise', () => {
  const fused = { ...exampleNode('/model/layers.0/mlp/Mul', 0, 1), opType: 'QuickGelu' };
  expect(nodeRole(fused)).toBe('mlp/Mul');
});

it('keeps the layer in a path', () => {
  expect(nodePath(exampleNode('/model/layers.3/mlp/Mul', 0, 1))).toEqual(['layers.3', 'mlp', 'Mul']);
});

const nodes = [
  exampleNode('/model/layers.0/mlp/up_proj/Gemm', 0, 4, 1),
  exampleNode('/model/layers.0/mlp/Mul', 5, 1),
  exampleNode('/model/layers.1/mlp/up_proj/Gemm', 6, 5, 2),
  exampleNode('/model/layers.1/mlp/down_proj/Gemm', 12, 2),
  exampleNode('/model/layers.1/mlp/Add', 15, 3),
];

it('sums the calls of an operation, longest first', () => {
  expect(groupByOp(nodes).map(({ name, numCalls, totalMs, waitMs }) => [name, numCalls, totalMs, waitMs])).toEqual([
    ['Gemm', 3, 11, 3],
    ['Add', 1, 3, 0],
    ['Mul', 1, 1, 0],
  ]);
});

it('sums a role over the layers and keeps its operations apart', () => {
  expect(groupByRole(nodes).map(({ name, opType, numCalls, totalMs }) => [name, opType, numCalls, totalMs])).toEqual([
    ['mlp/up_proj', 'Gemm', 2, 9],
    ['mlp', 'Add', 1, 3],
    ['mlp/down_proj', 'Gemm', 1, 2],
    ['mlp', 'Mul', 1, 1],
  ]);
});
