import type { TextConfig } from '@tessera/qwen2-5-vl';

/** One published size of the family (spec §1.1–1.3). */
export interface PublishedSize {
  readonly name: string;
  readonly text: Pick<
    TextConfig,
    'hiddenSize' | 'numLayers' | 'numHeads' | 'numKvHeads' | 'intermediateSize' | 'vocabSize'
  >;
  readonly isHeadTied: boolean;
  /** A field of config.json without effect. */
  readonly maxWindowLayers: number;
  readonly visionIntermediateSize: number;
  /** A tied head counts once. */
  readonly numParams: { readonly language: number; readonly vision: number };
}

export type PublishedSizeId = '3b' | '7b' | '32b' | '72b';

export const publishedSizes: Readonly<Record<PublishedSizeId, PublishedSize>> = {
  '3b': {
    name: '3B',
    text: {
      hiddenSize: 2048,
      numLayers: 36,
      numHeads: 16,
      numKvHeads: 2,
      intermediateSize: 11_008,
      vocabSize: 151_936,
    },
    isHeadTied: true,
    maxWindowLayers: 70,
    visionIntermediateSize: 3420,
    numParams: { language: 3_085_938_688, vision: 668_684_288 },
  },
  '7b': {
    name: '7B',
    text: {
      hiddenSize: 3584,
      numLayers: 28,
      numHeads: 28,
      numKvHeads: 4,
      intermediateSize: 18_944,
      vocabSize: 152_064,
    },
    isHeadTied: false,
    maxWindowLayers: 28,
    visionIntermediateSize: 3420,
    numParams: { language: 7_615_616_512, vision: 676_550_144 },
  },
  '32b': {
    name: '32B',
    text: {
      hiddenSize: 5120,
      numLayers: 64,
      numHeads: 40,
      numKvHeads: 8,
      intermediateSize: 27_648,
      vocabSize: 152_064,
    },
    isHeadTied: false,
    maxWindowLayers: 64,
    visionIntermediateSize: 3456,
    numParams: { language: 32_763_876_352, vision: 688_841_984 },
  },
  '72b': {
    name: '72B',
    text: {
      hiddenSize: 8192,
      numLayers: 80,
      numHeads: 64,
      numKvHeads: 8,
      intermediateSize: 29_568,
      vocabSize: 152_064,
    },
    isHeadTied: false,
    maxWindowLayers: 80,
    visionIntermediateSize: 3456,
    numParams: { language: 72_706_203_648, vision: 704_573_696 },
  },
};

/** What the vision towers of all sizes have in common, besides the width of the language part that they produce. */
export const publishedVision = {
  depth: 32,
  hiddenSize: 1280,
  numHeads: 16,
  patchSize: 14,
  temporalPatchSize: 2,
  spatialMergeSize: 2,
  windowSize: 112,
  fullAttentionBlocks: [7, 15, 23, 31],
  tokensPerSecond: 2,
} as const;
