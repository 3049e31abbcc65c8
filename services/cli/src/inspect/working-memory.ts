import type { ModelConfig, TextConfig, VisionConfig } from '@tessera/qwen2-5-vl';
import { formatQuantity } from '@tessera/runtime';
import type { StandaloneConfig } from '@tessera/standalone';

/** What bounds the work that a server does at once. */
export type WorkLimits = Pick<
  StandaloneConfig,
  'threads' | 'maxSequences' | 'maxStepTokens' | 'encodeBatchPatches' | 'embeddingCacheBytes' | 'mediaProcesses'
> & {
  /** Pixels of the largest picture, as the model sees it. */
  readonly imagePixels: number;
};

/** What a model's files say beside its configuration. */
export interface WorkSubject {
  readonly config: ModelConfig;
  readonly kvCacheTokens: number;
  /** Size of tokenizer.json. */
  readonly tokenizerFileBytes: number;
}

export const workingParts = ['step', 'pictures', 'embeddings', 'pictureDecoders', 'tokenizer', 'node'] as const;
export type WorkingPart = (typeof workingParts)[number];

/**
 * Bytes that serving takes beside weights and KV cache, when every cache is full and the largest step and the most
 * patches are computed at once. The constants were measured on the bundled model, random ones of 70 and 130 million parameters and
 * the 3B, in fp32 and int8 (RssAnon + RssShmem, ONNX Runtime 1.30, Linux x64).
 */
export function estimateWorkingMemory(
  { config: { text, vision }, kvCacheTokens, tokenizerFileBytes }: WorkSubject,
  limits: WorkLimits,
): Record<WorkingPart, number> {
  return {
    step: stepBytes(text, kvCacheTokens, limits),
    pictures: picturesBytes(vision, limits),
    embeddings: limits.embeddingCacheBytes,
    pictureDecoders: limits.mediaProcesses * pictureDecoderBytes,
    tokenizer: Math.round(tokenizerFileBytes * bytesPerTokenizerByte),
    node: nodeBytes,
  };
}

/** Node.js with its libraries, its threads' heaps, and garbage that is not yet collected. */
const nodeBytes = 165e6;
/** A process that decodes pictures, with one in hand. */
const pictureDecoderBytes = 35e6;
/** Vocabulary and merges as maps of strings. */
const bytesPerTokenizerByte = 16.5;

/** Values a row that are alive at once, inside operations and between them. */
const valuesPerHidden = 24;
const valuesPerIntermediate = 3;
/** Values a patch before the tower: pixels, patches in two orders, angles; and those of the pictures before. */
const valuesPerPatch = 4_000;

function stepBytes(
  { hiddenSize, intermediateSize, vocabSize, numHeads, numKvHeads }: TextConfig,
  kvCacheTokens: number,
  { threads, maxSequences, maxStepTokens }: WorkLimits,
): number {
  const rows = maxStepTokens * (valuesPerHidden * hiddenSize + valuesPerIntermediate * intermediateSize);
  // From ONNX Runtime they are copied into JavaScript's memory.
  const logits = 2 * maxSequences * vocabSize;
  const scores = threads * (numHeads / numKvHeads) * kvCacheTokens;
  return 4 * (rows + logits + scores);
}

function picturesBytes(vision: VisionConfig, limits: WorkLimits): number {
  const { spatialMergeSize, hiddenSize, intermediateSize, outHiddenSize } = vision;
  const rowLen = valuesPerHidden * hiddenSize + valuesPerIntermediate * intermediateSize + valuesPerPatch;
  // At the encoder, and staged at the decoder.
  const embeddingLen = (2 * outHiddenSize) / spatialMergeSize ** 2;
  return Math.round(4 * maxPatchesAtOnce(vision, limits) * (rowLen + embeddingLen));
}

/** Small pictures are encoded together, a large one alone. */
function maxPatchesAtOnce({ patchSize }: VisionConfig, { imagePixels, encodeBatchPatches }: WorkLimits): number {
  return Math.max(imagePixels / patchSize ** 2, encodeBatchPatches);
}

/** What a part is called and what it is for, on a terminal. */
export function describeWorkingPart(part: WorkingPart, limits: WorkLimits): { title: string; detail: string } {
  const count = (value: number): string => formatQuantity(value, 'count');
  switch (part) {
    case 'step':
      return { title: 'step', detail: `the largest: ${count(limits.maxStepTokens)} tokens` };
    case 'pictures': {
      const { imagePixels, encodeBatchPatches } = limits;
      const detail = `the largest: ${count(imagePixels)} pixels, or ${count(encodeBatchPatches)} patches of several`;
      return { title: 'pictures', detail };
    }
    case 'embeddings':
      return { title: 'embeddings', detail: 'of pictures seen before, when that cache is full' };
    case 'pictureDecoders':
      return { title: 'picture decoders', detail: `${count(limits.mediaProcesses)} processes` };
    case 'tokenizer':
      return { title: 'tokenizer', detail: '' };
    case 'node':
      return { title: 'Node.js', detail: '' };
  }
}
