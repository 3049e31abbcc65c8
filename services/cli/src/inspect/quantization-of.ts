import type { Checkpoint } from '@tessera/onnx-graph';
import type { QuantizationConfig } from '@tessera/qwen2-5-vl';

/** How the matrices of a checkpoint are packed. */
export interface Quantization extends Pick<QuantizationConfig, 'method' | 'bits' | 'groupLen' | 'isSymmetric'> {
  readonly numMatrices: number;
  /** No matrix has its columns sorted by activation. */
  readonly isInOrder: boolean;
}

/** Undefined when all tensors of the checkpoint are floats. */
export function quantizationOf({ quantization, packed }: Checkpoint): Quantization | undefined {
  if (!quantization) return undefined;
  const { method, bits, groupLen, isSymmetric } = quantization;
  const isInOrder = [...packed.values()].every((matrix) => matrix.isInOrder);
  return { method, bits, groupLen, isSymmetric, numMatrices: packed.size, isInOrder };
}
