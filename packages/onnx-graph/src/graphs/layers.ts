import { sliceOf } from '../checkpoint/weight-slice.js';
import type { GraphBuilder, Value } from '../onnx/graph-builder.js';
import { type MatrixWeight, numCols, numRows } from '../weights/matrix-weight.js';

/** Rows [n, k] that go into matmuls; what integer matmuls need of them is computed once, when the first one asks. */
export interface Rows {
  readonly value: Value;
  /** Row-wise: values [n, k] uint8 around 128, and max |x| [n, 1]. */
  quantized(): { readonly values: Value; readonly max: Value };
}

/**
 *     x ─ Abs ─ ReduceMax ─ + 1e-30 ─ max [n, 1]
 *     x / max ─ QuantizeLinear(1/127, 128) ─ values
 *
 * A row's numbers depend on the row alone, so an integer matmul gives it the same result in any batch. The tiny term
 * keeps a row of zeros from dividing by zero and is lost beside any other.
 */
export function rowsOf(g: GraphBuilder, path: string, value: Value): Rows {
  let quantized: ReturnType<Rows['quantized']> | undefined;
  const quantize = (): ReturnType<Rows['quantized']> => {
    const magnitude = g.node(`${path}/quantize`, 'Abs', [value]);
    const peak = g.node(`${path}/quantize`, 'ReduceMax', [magnitude, g.ints('last_axis', [-1])], { keepdims: 1 });
    const max = g.node(`${path}/quantize`, 'Add', [peak, g.constant('smallest_max', 'float32', 1e-30)]);
    const unit = g.node(`${path}/quantize`, 'Div', [value, max]);
    return { values: g.node(`${path}/quantize`, 'QuantizeLinear', [unit, ...quantization(g)]), max };
  };
  return {
    value,
    quantized: () => {
      quantized ??= quantize();
      return quantized;
    },
  };
}

function quantization(g: GraphBuilder): Value[] {
  return [g.constant('row_scale', 'float32', 1 / 127), g.constant('row_zero', 'uint8', 128)];
}

/** x [n, k] → x · Wᵀ + b [n, m], by the matmul that the weight's form asks for. */
export function linear(g: GraphBuilder, path: string, x: Rows, weight: MatrixWeight, bias?: MatrixWeight): Value {
  const biasValue = bias && g.weight(bias)[0];
  const [matrix, scale, zeroPoints] = g.weight(weight);
  switch (weight.form.kind) {
    case 'fp32':
      return g.node(path, 'Gemm', biasValue ? [x.value, matrix, biasValue] : [x.value, matrix], { transB: 1 });
    case 'int8':
      return integerMatMul(g, path, x, { matrix, scale }, biasValue);
    case 'int4': {
      const inputs = [x.value, matrix, scale, zeroPoints, ...(biasValue ? [undefined, biasValue] : [])];
      return g.node(path, 'MatMulNBits', inputs, {
        K: numCols(weight),
        N: numRows(weight),
        bits: 4,
        block_size: weight.form.blockLen,
        accuracy_level: 4,
      });
    }
  }
}

/** uint8 rows · int8 weights in integers, then the weights' scales and the rows' own. */
function integerMatMul(
  g: GraphBuilder,
  path: string,
  x: Rows,
  { matrix, scale }: { readonly matrix: Value; readonly scale: Value },
  bias: Value | undefined,
): Value {
  const { values, max } = x.quantized();
  const [rowScale, rowZero] = quantization(g);
  const product = g.node(path, 'MatMulIntegerToFloat', [values, matrix, rowScale, scale, rowZero]);
  const scaled = g.node(path, 'Mul', [product, max]);
  return bias ? g.node(path, 'Add', [scaled, bias]) : scaled;
}

/** x [n, h] → x / √(mean(x²) + ε) · g. */
export function rmsNorm(g: GraphBuilder, path: string, x: Value, tensor: string, size: number, eps: number): Value {
  const [scale] = g.weight(wholeVector(tensor, size));
  return g.node(path, 'SimplifiedLayerNormalization', [x, scale], { axis: -1, epsilon: { float: eps } });
}

/** A stored vector, kept in float32. */
export function wholeVector(tensor: string, size: number): MatrixWeight {
  return { name: tensor, slices: [sliceOf(tensor, [size])], form: { kind: 'fp32' } };
}

/** SiLU(gate) · up, elementwise. */
export function swiGlu(g: GraphBuilder, path: string, gate: Value, up: Value): Value {
  return g.node(path, 'Mul', [g.node(`${path}/act_fn`, 'QuickGelu', [gate], { alpha: { float: 1 } }), up]);
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
