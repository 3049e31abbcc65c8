import type { BlockHash, EmbeddingKey, LaneId, PageId, SequenceId } from './ids.js';
import type { MropePositions } from './mrope-positions.js';
import type { SamplingParams } from './sampling-params.js';

/**
 * One step of one rank group. New sequences come whole, known ones as a diff; every rank gets the same plan and ends
 * the step knowing the same sampled tokens.
 *
 * Order inside a step: release, admit, then compute all chunks as one batch and sample.
 */
export interface StepPlan {
  readonly stepId: number;
  /** Lanes that their sequences have left; their pages may be given to others from this step on. */
  readonly released: readonly LaneId[];
  readonly admitted: readonly AdmittedSequence[];
  /** At most one chunk a lane. */
  readonly chunks: readonly Chunk[];
  /**
   * Pages whose content is known under a hash once this step is done: filled by it or by an earlier one. A rank keeps
   * seals as they are and drops one when the page is given out again as a new page. Absent: none.
   */
  readonly seals?: readonly Seal[];
  /** What to report beside the tokens; absent in production. */
  readonly capture?: StepCapture;
}

/** What a page holds, said by the scheduler and kept by every rank, so that a new scheduler can believe it. */
export interface Seal {
  readonly pageId: PageId;
  readonly blockHash: BlockHash;
  /** Goes up by one each time the page is given to new content. */
  readonly generation: number;
}

/** A sequence new to the ranks. Each of its visuals must be staged before the step of the first chunk that reaches it. */
export interface AdmittedSequence {
  readonly sequenceId: SequenceId;
  readonly lane: LaneId;
  /** Prompt, then the tokens of earlier attempts. */
  readonly tokenIds: Int32Array;
  /** Length of the prompt in `tokenIds`; what follows is output. */
  readonly numPromptTokens: number;
  /** Positions of the prompt; the token at index i ≥ numPromptTokens has `next + i − numPromptTokens` on every axis. */
  readonly positions: MropePositions;
  readonly visuals: readonly StagedVisual[];
  /** Number of leading tokens whose keys and values are already in `pages` (a prefix hit). */
  readonly numCached: number;
  /** Pages of those leading tokens, in order. */
  readonly pages: readonly PageId[];
  readonly sampling: SamplingParams;
}

/** Where the rows of a staged embedding go in a sequence. */
export interface StagedVisual {
  readonly embeddingKey: EmbeddingKey;
  readonly offset: number;
  readonly length: number;
}

/**
 * The tokens of one sequence that are computed in one step: at most one chunk a lane, at most `maxStepTokens` of all
 * chunks together, none behind `maxContextLen`. An engine refuses a plan that breaks a rule.
 */
export interface Chunk {
  readonly lane: LaneId;
  readonly input: ChunkInput;
  /** Pages appended to the sequence's block table before computing, enough for the chunk's last token. */
  readonly newPages: readonly PageId[];
  /** Sample a token from the chunk's last row, which must be that of the last known token. */
  readonly samples: boolean;
}

export type ChunkInput =
  /** The next `numTokens` of the sequence's known tokens (prompt or resumed). */
  | { readonly kind: 'known'; readonly numTokens: number }
  /** The token sampled by this lane's previous chunk, which must have sampled one. */
  | { readonly kind: 'lastSampled' }
  /**
   * Tokens given here: teacher forcing, drafts. They become part of the sequence's output, so all known ones must be
   * computed and none be waiting that was sampled.
   */
  | { readonly kind: 'explicit'; readonly tokenIds: readonly number[] };

/** Debug outputs of a step. */
export interface StepCapture {
  /** Raw logits: of each sampled row, or of every row of every chunk. */
  readonly logits?: 'sampled' | 'all';
  /** Residual stream after each layer and after the final norm, of each chunk's last row. */
  readonly hidden?: boolean;
  /** Input embeddings of every row. */
  readonly inputEmbeds?: boolean;
  /** The decision margin of every sampled token. */
  readonly margins?: boolean;
}
