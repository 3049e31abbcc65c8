/** Dimensions of the language part, as the checkpoint states them. */
export interface TextConfig {
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  readonly intermediateSize: number;
  /** Rows of the embedding table; at least the tokenizer's size. */
  readonly vocabSize: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** Numbers of rotary frequencies that follow the temporal, height and width axis; they sum to headDim / 2. */
  readonly mropeSections: readonly [number, number, number];
  readonly maxPositionEmbeddings: number;
}

/** Dimensions of the vision tower. */
export interface VisionConfig {
  readonly depth: number;
  readonly hiddenSize: number;
  readonly numHeads: number;
  readonly headDim: number;
  readonly intermediateSize: number;
  readonly inChannels: number;
  readonly patchSize: number;
  readonly temporalPatchSize: number;
  readonly spatialMergeSize: number;
  /** Side of an attention window in pixels. */
  readonly windowSize: number;
  /** Blocks that attend over a whole frame instead of a window. */
  readonly fullAttentionBlocks: readonly number[];
  /** Width of the language part, which the merger produces. */
  readonly outHiddenSize: number;
  /** Temporal position ids a second of video. */
  readonly tokensPerSecond: number;
}

/** Ids with a meaning to the model, read from the checkpoint. */
export interface SpecialTokenIds {
  readonly bos: number | undefined;
  readonly visionStart: number;
  readonly visionEnd: number;
  readonly image: number;
  readonly video: number;
}

export interface ModelConfig {
  readonly text: TextConfig;
  readonly vision: VisionConfig;
  readonly specialTokens: SpecialTokenIds;
  /** The output head is the embedding table. */
  readonly isHeadTied: boolean;
}

/** Shapes of a checkpoint's tensors under their canonical names (spec §2.1), to fill and to check the configuration. */
export type TensorShapes = ReadonlyMap<string, readonly number[]>;
