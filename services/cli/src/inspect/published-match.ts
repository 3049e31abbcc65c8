import type { ModelConfig } from '@tessera/qwen2-5-vl';
import type { ParameterCounts } from './parameter-counts.js';
import { type PublishedSize, publishedSizes, publishedVision } from './published-sizes.js';

/** How a checkpoint compares with the published size of the same width. */
export interface PublishedMatch {
  /** `3B`; undefined when no published size is that wide. */
  readonly size: string | undefined;
  /** What is not as published, such as `layers: 2 instead of 36`; empty for a match. */
  readonly differences: readonly string[];
}

/** Compares dimensions and, where these are equal, the parameter counts with those of spec §1.3. */
export function matchPublished(config: ModelConfig, counts: ParameterCounts): PublishedMatch {
  const size = Object.values(publishedSizes).find(({ text }) => text.hiddenSize === config.text.hiddenSize);
  if (!size) return { size: undefined, differences: [] };
  const dimensions = differingDimensions(config, size);
  return { size: size.name, differences: dimensions.length > 0 ? dimensions : differingCounts(counts, size) };
}

function differingDimensions({ text, vision, isHeadTied }: ModelConfig, size: PublishedSize): string[] {
  return differing([
    ['layers', text.numLayers, size.text.numLayers],
    ['attention heads', text.numHeads, size.text.numHeads],
    ['KV heads', text.numKvHeads, size.text.numKvHeads],
    ['intermediate size', text.intermediateSize, size.text.intermediateSize],
    ['vocabulary', text.vocabSize, size.text.vocabSize],
    ['head', isHeadTied ? 'tied' : 'its own', size.isHeadTied ? 'tied' : 'its own'],
    ['vision blocks', vision.depth, publishedVision.depth],
    ['vision hidden size', vision.hiddenSize, publishedVision.hiddenSize],
    ['vision heads', vision.numHeads, publishedVision.numHeads],
    ['vision intermediate size', vision.intermediateSize, size.visionIntermediateSize],
    ['patch size', vision.patchSize, publishedVision.patchSize],
    ['full-attention blocks', vision.fullAttentionBlocks.join(' '), publishedVision.fullAttentionBlocks.join(' ')],
  ]);
}

function differingCounts({ language, vision }: ParameterCounts, { numParams }: PublishedSize): string[] {
  return differing([
    ['parameters of the language part', language.numParams, numParams.language],
    ['parameters of the vision part', vision.numParams, numParams.vision],
  ]);
}

type Comparison = readonly [what: string, actual: number | string, published: number | string];

function differing(comparisons: readonly Comparison[]): string[] {
  return comparisons
    .filter(([, actual, published]) => actual !== published)
    .map(([what, actual, published]) => `${what}: ${format(actual)} instead of ${format(published)}`);
}

function format(value: number | string): string {
  return typeof value === 'number' ? value.toLocaleString('en-US') : value;
}
