import type { VisualInput } from '@tessera/domain';
import { maxWindowLen } from '@tessera/onnx-graph';
import {
  type ProcessorConfig,
  patchify,
  patchifyStill,
  type VisionConfig,
  visionRotaryAngles,
  windowOrder,
} from '@tessera/qwen2-5-vl';

/** The tensors of one run of the tower, for stills or videos whose frames have equal numbers of patches. */
export interface VisionInputs {
  readonly isStill: boolean;
  readonly numPatches: number;
  readonly numMerged: number;
  /** [n, 1176], or [n, 588] for stills, window order. */
  readonly patches: Float32Array;
  /** [n, headDim / 2]. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  /** [w · windowLen]: the row in each window's slot; an empty slot repeats row 0. */
  readonly windowRows: BigInt64Array;
  /** [n]: the slot that holds each row. */
  readonly windowSlots: BigInt64Array;
  /** [w, windowLen]. */
  readonly windowMask: Int32Array;
  /** Frames, patches a frame, hidden size. */
  readonly frameShape: BigInt64Array;
  /** [m]: the tower's unit for each unit in placeholder order. */
  readonly reverseIndex: BigInt64Array;
  /** [m]: the inverse, from the tower's units to placeholder order. */
  readonly windowIndex: Int32Array;
}

export function createVisionInputs(
  visuals: readonly VisualInput[],
  config: VisionConfig,
  processing: ProcessorConfig,
): VisionInputs {
  const grids = visuals.map(({ grid }) => grid);
  const { windowIndex, cuWindowSeqlens, cuFullSeqlens } = windowOrder(grids, config);
  const unitLen = config.spatialMergeSize ** 2;
  const angles = visionRotaryAngles(grids, config);
  const toPatches = isStill(visuals[0]) ? patchifyStill : patchify;
  const patches = visuals.map((visual) => toPatches(visual, processing));
  const numPatches = windowIndex.length * unitLen;
  const permute = (rows: Float32Array): Float32Array =>
    permuteUnits(rows, windowIndex, rows.length / windowIndex.length);
  return {
    isStill: isStill(visuals[0]),
    numPatches,
    numMerged: windowIndex.length,
    patches: permute(joinRows(patches)),
    cos: permute(angles.cos),
    sin: permute(angles.sin),
    ...tileWindows(cuWindowSeqlens, maxWindowLen(config)),
    frameShape: BigInt64Array.from([cuFullSeqlens.length - 1, cuFullSeqlens[1], config.hiddenSize].map(BigInt)),
    reverseIndex: invert(windowIndex),
    windowIndex,
  };
}

/** Visuals may share a run when this is equal: stills or not, patches of one frame. */
export function runKey(visual: VisualInput): string {
  const { h, w } = visual.grid;
  return `${isStill(visual) ? 'still' : 'video'} ${h * w}`;
}

/** All frames of its patches are one. */
function isStill({ numFrames }: VisualInput): boolean {
  return numFrames === 1;
}

function joinRows(matrices: readonly Float32Array[]): Float32Array {
  if (matrices.length === 1) return matrices[0];
  const joined = new Float32Array(matrices.reduce((sum, matrix) => sum + matrix.length, 0));
  let offset = 0;
  for (const matrix of matrices) {
    joined.set(matrix, offset);
    offset += matrix.length;
  }
  return joined;
}

function permuteUnits(rows: Float32Array, order: Int32Array, unitSize: number): Float32Array {
  const permuted = new Float32Array(rows.length);
  for (let i = 0; i < order.length; i++) {
    permuted.set(rows.subarray(order[i] * unitSize, (order[i] + 1) * unitSize), i * unitSize);
  }
  return permuted;
}

/**
 * Windows of at most `windowLen` rows as a dense batch, e.g. lengths 3, 2 in windows of 4:
 *
 *     rows   0 1 2 ·   3 4 · ·      (· = row 0, masked)
 *     slots  0 1 2     4 5
 */
function tileWindows(bounds: Int32Array, windowLen: number) {
  const numWindows = bounds.length - 1;
  const windowRows = new BigInt64Array(numWindows * windowLen);
  const windowMask = new Int32Array(numWindows * windowLen);
  const windowSlots = new BigInt64Array(bounds[numWindows]);
  for (let window = 0; window < numWindows; window++) {
    for (let row = bounds[window]; row < bounds[window + 1]; row++) {
      const slot = window * windowLen + row - bounds[window];
      windowRows[slot] = BigInt(row);
      windowMask[slot] = 1;
      windowSlots[row] = BigInt(slot);
    }
  }
  return { windowRows, windowMask, windowSlots };
}

function invert(permutation: Int32Array): BigInt64Array {
  const inverse = new BigInt64Array(permutation.length);
  for (let i = 0; i < permutation.length; i++) inverse[permutation[i]] = BigInt(i);
  return inverse;
}
