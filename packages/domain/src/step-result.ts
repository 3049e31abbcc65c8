import type { LaneId, SequenceId } from './ids.js';

/** What a step produced. A lane without a sampling chunk has no entry. */
export interface StepResult {
  readonly stepId: number;
  readonly outputs: readonly SequenceOutput[];
  readonly spent: StepTimes;
  readonly captured?: readonly CapturedChunk[];
}

export interface SequenceOutput {
  readonly sequenceId: SequenceId;
  readonly lane: LaneId;
  /**
   * One token, or 1 … k + 1 with speculation, in order. None when there was no token to choose, such as in a row that is
   * not of numbers: the sequence can only be released.
   */
  readonly tokens: readonly SampledToken[];
}

export interface SampledToken {
  readonly tokenId: number;
  /** 0 for the first generated token of the request, over all attempts. */
  readonly outputIndex: number;
  /** Log-probability under the raw logits, when the sequence asked for logprobs. */
  readonly logprob?: number;
  readonly topLogprobs?: readonly TokenLogprob[];
  /** Lead of the chosen token over the runner-up after all adjustments and noise, when margins are captured. */
  readonly decisionMargin?: number;
}

export interface TokenLogprob {
  readonly tokenId: number;
  readonly logprob: number;
}

/** Where a step's time went, in milliseconds; the parts are disjoint and sum to at most `totalMs`. */
export interface StepTimes {
  readonly totalMs: number;
  readonly matmulMs: number;
  readonly attentionMs: number;
  readonly allReduceMs: number;
  readonly samplingMs: number;
}

export interface CapturedChunk {
  readonly lane: LaneId;
  /** [numRows, vocabSize] of the rows asked for. */
  readonly logits?: Float32Array;
  /** [numLayers, hiddenSize] of the last row. */
  readonly hiddenLayers?: Float32Array;
  /** [hiddenSize] of the last row after the final norm. */
  readonly hiddenFinalNorm?: Float32Array;
  /** [numRows, hiddenSize]. */
  readonly inputEmbeds?: Float32Array;
}
