import { sliceOf, type WeightSlice } from '../checkpoint/weight-slice.js';
import type { GraphBuilder, Value } from '../onnx/graph-builder.js';

/** x [n, k] → x · Wᵀ + b [n, m], with W as checkpoints store it, [m, k]. */
export function linear(g: GraphBuilder, path: string, x: Value, weight: WeightSlice, bias?: WeightSlice): Value {
  const inputs = [x, g.weight(weight), bias && g.weight(bias)];
  return g.node(path, 'Gemm', bias ? inputs : inputs.slice(0, 2), { transB: 1 });
}

/** x [n, h] → x / √(mean(x²) + ε) · g. */
export function rmsNorm(g: GraphBuilder, path: string, x: Value, tensor: string, size: number, eps: number): Value {
  const scale = g.weight(sliceOf(tensor, [size]));
  return g.node(path, 'SimplifiedLayerNormalization', [x, scale], { axis: -1, epsilon: { float: eps } });
}

/** SiLU(gate) · up, elementwise. */
export function swiGlu(g: GraphBuilder, path: string, gate: Value, up: Value): Value {
  const sigmoid = g.node(`${path}/act_fn`, 'Sigmoid', [gate]);
  return g.node(path, 'Mul', [g.node(`${path}/act_fn`, 'Mul', [gate, sigmoid]), up]);
}

/**
 * Rotates the heads of x [n, heads · d] by one angle table row a token (rotate-half form): cos and sin are [n, d / 2].
 *
 *     x [n, h] ─ Unsqueeze ─ [1, n, h] ─ RotaryEmbedding(first row 0, cos, sin) ─ Squeeze ─ [n, h]
 */
export function rotate(g: GraphBuilder, path: string, x: Value, cos: Value, sin: Value): Value {
  const axis = g.ints('axis_0', [0]);
  const firstRow = g.ints('first_row', [0]);
  const batched = g.node(path, 'Unsqueeze', [x, axis]);
  return g.node(path, 'Squeeze', [g.node(path, 'RotaryEmbedding', [batched, firstRow, cos, sin]), axis]);
}
