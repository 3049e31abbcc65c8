import type { EmbeddingKey } from './ids.js';

/** Patch grid of a visual: temporal × height × width, in patches of 14 × 14 pixels × 2 frames. */
export interface Grid {
  readonly t: number;
  readonly h: number;
  readonly w: number;
}

/** What must be done to the source's pixels to get exactly this visual. */
export interface VisualProcessing {
  readonly resizedHeight: number;
  readonly resizedWidth: number;
}

/** A run of prompt tokens of one kind. Segments tile the prompt in order, without gaps. */
export type Segment = TextSegment | VisualSegment;

export interface TextSegment {
  readonly kind: 'text';
  readonly offset: number;
  readonly length: number;
}

export interface VisualSegment {
  readonly kind: 'image' | 'video';
  /** Index of the first placeholder token in the prompt. */
  readonly offset: number;
  /** Number of placeholder tokens: t · h · w / mergeSize². */
  readonly length: number;
  readonly grid: Grid;
  /** Position of this visual in the request, images and videos counted together. */
  readonly mediaIndex: number;
  readonly embeddingKey: EmbeddingKey;
  readonly processing: VisualProcessing;
}
