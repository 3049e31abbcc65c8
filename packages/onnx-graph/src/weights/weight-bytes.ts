import { sliceOf } from '../checkpoint/weight-slice.js';
import { tensorBytes, tensorsOf, type WeightForm } from './matrix-weight.js';

/** Bytes of an [N, K] matrix of a checkpoint in this form, scales included, as an engine of one rank keeps it. */
export function weightBytes(form: WeightForm, [numRows, numColumns]: readonly [number, number]): number {
  const slices = [sliceOf('matrix', [numRows, numColumns])];
  return tensorsOf({ name: 'matrix', slices, form }).reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
}
