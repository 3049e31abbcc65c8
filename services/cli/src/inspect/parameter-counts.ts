import type { TensorShapes } from '@tessera/qwen2-5-vl';

export interface PartCount {
  readonly numTensors: number;
  readonly numParams: number;
}

export interface ParameterCounts {
  readonly language: PartCount;
  readonly vision: PartCount;
  readonly total: PartCount;
}

/** Counts tensors and parameters from the shapes, by canonical names. */
export function countParameters(shapes: TensorShapes): ParameterCounts {
  const isVision = ([name]: readonly [string, unknown]): boolean => name.startsWith('visual.');
  const all = [...shapes];
  return {
    language: countPart(all.filter((tensor) => !isVision(tensor))),
    vision: countPart(all.filter(isVision)),
    total: countPart(all),
  };
}

function countPart(tensors: readonly (readonly [string, readonly number[]])[]): PartCount {
  return {
    numTensors: tensors.length,
    numParams: tensors.reduce((sum, [, shape]) => sum + shape.reduce((product, n) => product * n, 1), 0),
  };
}
