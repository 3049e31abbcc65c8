/** M-RoPE ids of a token sequence, one per token and axis (Qwen2-VL paper, section 2.1). */
export interface MropePositions {
  readonly temporal: Int32Array;
  readonly height: Int32Array;
  readonly width: Int32Array;
  /** 1 + the maximum over all three axes: the id of the token after the last one, on every axis. */
  readonly next: number;
}
