import { sliceOf } from '../checkpoint/weight-slice.js';
import { tensorsOf } from './matrix-weight.js';
import { formOf, type WeightFormName } from './weight-plan.js';

/** Bytes of an [N, K] matrix of a checkpoint in this form, scales included, as an engine of one rank keeps it. */
export function weightBytes(form: WeightFormName, [numRows, numColumns]: readonly [number, number]): number {
  const slices = [sliceOf('matrix', [numRows, numColumns])];
  const tensors = tensorsOf({ name: 'matrix', slices, form: formOf(form, numColumns) });
  return tensors.reduce((sum, { type, dims }) => {
    return sum + dims.reduce((product, n) => product * n, type === 'float32' ? 4 : 1);
  }, 0);
}
