import type { WeightSlice } from '../checkpoint/weight-slice.js';
import type { ElementType } from '../onnx/graph-builder.js';

/**
 * How a matrix is kept:
 *
 * - `fp32`: as it is, [N, K].
 * - `int8`: one scale a row of the checkpoint's matrix, transposed to [K, N] for integer matmuls.
 * - `int4`: blocks of `blockLen` along K with a scale each, [N, K / blockLen, blockLen / 2].
 */
export type WeightForm = { readonly kind: 'fp32' } | { readonly kind: 'int8' } | Int4Form;

/** `published`: the checkpoint's own levels and scales are kept, with a zero point a block or with 8 in all of them. */
export interface Int4Form {
  readonly kind: 'int4';
  readonly blockLen: number;
  readonly published?: 'zeroPoints' | 'symmetric';
}

/** A matrix or vector of a graph: slices of checkpoint tensors, stacked by rows. */
export interface MatrixWeight {
  readonly name: string;
  readonly slices: readonly WeightSlice[];
  readonly form: WeightForm;
}

/** A tensor of external data that a weight becomes. */
export interface ExternalTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
}

export function tensorBytes({ type, dims }: ExternalTensor): number {
  return dims.reduce((product, n) => product * n, type === 'float32' ? 4 : 1);
}

export function numRows({ slices }: MatrixWeight): number {
  return slices.reduce((sum, { paddedRows }) => sum + paddedRows, 0);
}

export function numCols({ slices }: MatrixWeight): number {
  return slices[0].paddedCols;
}

/** The external tensors of a weight, in the order in which they are written. */
export function tensorsOf(weight: MatrixWeight): ExternalTensor[] {
  const { name, form } = weight;
  const n = numRows(weight);
  const k = numCols(weight);
  switch (form.kind) {
    case 'fp32':
      return [{ name, type: 'float32', dims: weight.slices.length === 1 ? weight.slices[0].dims : vectorOr(n, k) }];
    case 'int8':
      return [
        { name: `${name}.int8`, type: 'int8', dims: [k, n] },
        { name: `${name}.scale`, type: 'float32', dims: [n] },
      ];
    case 'int4': {
      const numBlocks = Math.ceil(k / form.blockLen);
      return [
        { name: `${name}.int4`, type: 'uint8', dims: [n, numBlocks, form.blockLen / 2] },
        { name: `${name}.scale`, type: 'float32', dims: [n * numBlocks] },
        ...(form.published === 'zeroPoints' ? [zeroPointTensor(name, n, numBlocks)] : []),
      ];
    }
  }
}

/** Two zero points a byte; each row begins with a byte of its own. */
function zeroPointTensor(name: string, n: number, numBlocks: number): ExternalTensor {
  return { name: `${name}.zero`, type: 'uint8', dims: [n * Math.ceil(numBlocks / 2)] };
}

function vectorOr(n: number, k: number): number[] {
  return k === 1 ? [n] : [n, k];
}
