/** What a rank needs of its group. Every rank makes the same calls in the same order. */
export interface Collective {
  readonly rank: number;
  readonly numRanks: number;
  /** Sum over all ranks, added in rank order so that all hold the same bits. The caller gives up `partial`. */
  allReduceSum(partial: Float32Array): Promise<Float32Array>;
  /** Everybody's value, in rank order. */
  allGather<Value>(value: Value): Promise<readonly Value[]>;
}
