import { sliceOf } from '../checkpoint/weight-slice.js';
import type { GraphBuilder, Value } from '../onnx/graph-builder.js';
import { type MatrixWeight, numCols, numRows } from '../weights/matrix-weight.js';

/** What a matmul gives: rows [n, m], each still to be multiplied by its factor [n, 1] where there is one. */
export interface Product {
  readonly value: Value;
  readonly factor?: Value;
}

/** Rows [n, k] that go into matmuls; what a kind of matmul needs of them is computed once, when the first one asks. */
export interface Rows {
  plain(): Value;
  /** values [n, k] uint8 around 128; a row is (values − 128) / 127 · factor [n, 1]. */
  quantized(): { readonly values: Value; readonly factor: Value };
}

/**
 *     x ─ Abs ─ ReduceMax ─ + 1e-30 ─ max [n, 1]
 *     x / max ─ QuantizeLinear(1/127, 128) ─ values
 *
 * A row's numbers depend on the row alone, so an integer matmul gives it the same result in any batch. The tiny term
 * keeps a row of zeros from dividing by zero and is lost beside any other. A factor that is still open cancels in the
 * values and joins the rows' own.
 */
export function rowsOf(g: GraphBuilder, path: string, x: Value | Product): Rows {
  const product = typeof x === 'string' ? { value: x } : x;
  const quantize = (): ReturnType<Rows['quantized']> => {
    const quantizePath = `${path}/quantize`;
    const magnitude = g.node(quantizePath, 'Abs', [product.value]);
    const peak = g.node(quantizePath, 'ReduceMax', [magnitude, g.ints('last_axis', [-1])], { keepdims: 1 });
    const max = g.node(quantizePath, 'Add', [peak, g.constant('smallest_max', 'float32', 1e-30)]);
    const unit = g.node(quantizePath, 'Div', [product.value, max]);
    const values = g.node(quantizePath, 'QuantizeLinear', [unit, ...quantization(g)]);
    return { values, factor: applyFactor(g, quantizePath, { value: max, factor: product.factor }) };
  };
  return {
    plain: once(() => applyFactor(g, `${path}/rows`, product)),
    quantized: once(quantize),
  };
}

function once<Result>(compute: () => Result): () => Result {
  let result: Result | undefined;
  return () => {
    result ??= compute();
    return result;
  };
}

function applyFactor(g: GraphBuilder, path: string, { value, factor }: Product): Value {
  return factor ? g.node(path, 'Mul', [value, factor]) : value;
}

function quantization(g: GraphBuilder): Value[] {
  return [g.constant('row_scale', 'float32', 1 / 127), g.constant('row_zero', 'uint8', 128)];
}

/** x [n, k] → x · Wᵀ + b [n, m], by the matmul that the weight's form asks for. */
export function linear(g: GraphBuilder, path: string, x: Rows, weight: MatrixWeight, bias?: MatrixWeight): Value {
  if (weight.form.kind !== 'int8') return floatMatMul(g, path, x, weight, bias);
  const scaled = applyFactor(g, path, matMul(g, path, x, weight));
  return bias ? g.node(path, 'Add', [scaled, g.weight(bias)[0]]) : scaled;
}

/** x · Wᵀ, for a reader that can take the rows' factors later. */
export function matMul(g: GraphBuilder, path: string, x: Rows, weight: MatrixWeight): Product {
  if (weight.form.kind !== 'int8') return { value: floatMatMul(g, path, x, weight) };
  const { values, factor } = x.quantized();
  const [matrix, scale] = g.weight(weight);
  const [rowScale, rowZero] = quantization(g);
  return { value: g.node(path, 'MatMulIntegerToFloat', [values, matrix, rowScale, scale, rowZero]), factor };
}

/** The matmuls that take rows in float32 and add the bias themselves. */
function floatMatMul(g: GraphBuilder, path: string, x: Rows, weight: MatrixWeight, bias?: MatrixWeight): Value {
  const { form } = weight;
  const [matrix, scale, zeroPoints] = g.weight(weight);
  const biasValue = bias && g.weight(bias)[0];
  if (form.kind !== 'int4') return g.node(path, 'Gemm', [x.plain(), matrix, biasValue], { transB: 1 });
  const inputs = [x.plain(), matrix, scale, zeroPoints, undefined, biasValue];
  return g.node(path, 'MatMulNBits', inputs, {
    K: numCols(weight),
    N: numRows(weight),
    bits: 4,
    block_size: form.blockLen,
    accuracy_level: 4,
  });
}

/** x [n, h] → x / √(mean(x²) + ε) · g. */
export function rmsNorm(g: GraphBuilder, path: string, x: Value, tensor: string, size: number, eps: number): Value {
  const [scale] = g.weight(wholeVector(tensor, size));
  return g.node(path, 'SimplifiedLayerNormalization', [x, scale], { axis: -1, epsilon: { float: eps } });
}

/** The residual stream x [n, h] with what the last sublayer adds to it, where that is not in it yet. */
export interface Residual {
  readonly x: Value;
  readonly delta?: Value;
}

/** The residual stream with the last addition in it, and its norm. */
export function addAndNorm(
  g: GraphBuilder,
  path: string,
  { x, delta }: Residual,
  norm: { readonly tensor: string; readonly size: number; readonly eps: number },
): { readonly x: Value; readonly normed: Value } {
  if (!delta) return { x, normed: rmsNorm(g, path, x, norm.tensor, norm.size, norm.eps) };
  const [scale] = g.weight(wholeVector(norm.tensor, norm.size));
  const op = 'SkipSimplifiedLayerNormalization';
  const [normed, , , sum] = g.multiNode(path, op, [x, delta, scale], 4, { epsilon: { float: norm.eps } });
  return { x: sum, normed };
}

/** A stored vector, kept in float32. */
export function wholeVector(tensor: string, size: number): MatrixWeight {
  return { name: tensor, slices: [sliceOf(tensor, [size])], form: { kind: 'fp32' } };
}

/** SiLU(gate) · up, elementwise; up's factors stay open. */
export function swiGlu(g: GraphBuilder, path: string, gate: Value, up: Product): Product {
  const activated = g.node(`${path}/act_fn`, 'QuickGelu', [gate], { alpha: { float: 1 } });
  return { value: g.node(path, 'Mul', [activated, up.value]), factor: up.factor };
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
