import type { CpuEncoder } from '@tessera/engine';
import type { VisionConfig } from '@tessera/qwen2-5-vl';
import { noisePicture } from './noise-picture.js';

export interface EncodeRuns {
  /** Of the square picture, in pixels. */
  readonly side: number;
  readonly numRuns: number;
  readonly signal: AbortSignal;
}

/** A call of the tower; it has no parts of its own but graphs. */
export interface MeasuredEncode {
  /** When it began, on the clock of `performance.now()`. */
  readonly startMs: number;
  readonly spent: { readonly totalMs: number };
}

/** Encodes of the same picture in the order they ran; one before them is not measured. */
export async function encodeOften(
  encoder: CpuEncoder,
  vision: VisionConfig,
  { side, numRuns, signal }: EncodeRuns,
): Promise<MeasuredEncode[]> {
  const picture = noisePicture(vision, side);
  const encodes: MeasuredEncode[] = [];
  for (let run = 0; run <= numRuns; run++) {
    signal.throwIfAborted();
    const startMs = performance.now();
    await encoder.encode([picture]);
    if (run > 0) encodes.push({ startMs, spent: { totalMs: performance.now() - startMs } });
  }
  return encodes;
}
