import { sliceOf } from '../checkpoint/weight-slice.js';
import { tensorsOf, type WeightForm } from './matrix-weight.js';

/** Bytes of an [N, K] matrix of a checkpoint in this form, scales included, as an engine of one rank keeps it. */
export function weightBytes(form: WeightForm, [numRows, numColumns]: readonly [number, number]): number {
  const slices = [sliceOf('matrix', [numRows, numColumns])];
  return tensorsOf({ name: 'matrix', slices, form }).reduce((sum, { type, dims }) => {
    return sum + dims.reduce((product, n) => product * n, type === 'float32' ? 4 : 1);
  }, 0);
}
