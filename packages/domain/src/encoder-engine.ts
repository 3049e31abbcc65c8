import type { Grid } from './segment.js';

/** A picture or video cut to size: `frames` is [numFrames, height, width, 3] uint8 RGB, sides as the grid says. */
export interface VisualInput {
  readonly grid: Grid;
  /** One frame for an image, 2 · grid.t for a video. */
  readonly numFrames: number;
  readonly height: number;
  readonly width: number;
  readonly frames: Uint8Array;
}

export interface EncoderDescription {
  readonly modelRevision: string;
  readonly hiddenSize: number;
}

/** The vision tower. Calls may overlap; they run in order. */
export interface EncoderEngine {
  readonly description: EncoderDescription;
  /** Embeddings [numTokens, hiddenSize] of each visual, in placeholder order. */
  encode(visuals: readonly VisualInput[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}
