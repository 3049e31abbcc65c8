/** How the decoder laid out its KV pool; it decides, everyone else asks. */
export interface KvLayout {
  readonly dtype: 'float32' | 'int8';
  /** Positions a page. */
  readonly pageLen: number;
  readonly numPages: number;
  /** Layers that share one contiguous memory. */
  readonly layersPerMemory: number;
}

/** Pages that hold `numTokens` positions. */
export function pagesFor(numTokens: number, pageLen: number): number {
  return Math.ceil(numTokens / pageLen);
}
