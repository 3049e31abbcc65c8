import type { KvLayout } from '@tessera/domain';

/** The rows of one sequence in a step: `numRows` consecutive tokens from `firstPosition` on. */
export interface AttentionSpan {
  /** Row of the first of them in q, k, v and out. */
  readonly firstRow: number;
  readonly numRows: number;
  /** Index of the first of them in its sequence: the number of positions already in the pool. */
  readonly firstPosition: number;
  /** The sequence's block table, enough for its last row. */
  readonly pages: readonly number[];
}

export interface AttentionShape {
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
}

/**
 * Causal grouped-query attention over a paged pool of keys and values, which the kernel owns. One contract suite
 * (`describePagedAttention` of the testkit) holds for all kernels.
 *
 * A row's result depends on its own query and on the pool alone: not on the other rows, not on how a prompt was cut
 * into steps.
 */
export interface PagedAttention {
  readonly layout: KvLayout;
  /**
   * Writes k and v of all spans to the pool, then attends: row r of a span sees positions 0 … firstPosition + r.
   *
   * q, out [rows, numHeads · headDim]; k, v [rows, numKvHeads · headDim]; q and k are rotated. The spans tile the first
   * rows in order, from row 0 on; those of `out` are overwritten.
   */
  attend(layer: number, spans: readonly AttentionSpan[], qkv: AttentionInputs, out: Float32Array): Promise<void>;
  close(): Promise<void>;
}

export interface AttentionInputs {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
}
