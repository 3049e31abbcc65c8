import type { ModelConfig, TextConfig } from '@tessera/qwen2-5-vl';
import type { StandaloneConfig } from '@tessera/standalone';
import type { ParameterCounts } from './parameter-counts.js';

export interface KvBytesPerToken {
  /** In bf16 or fp16, as published numbers are (spec §1.3). */
  readonly half: number;
  /** As the CPU engine keeps it. */
  readonly float32: number;
}

/** The server's options that size its KV cache. */
export type KvBudget = Pick<StandaloneConfig, 'maxSequences' | 'kvCacheTokens' | 'kvCacheBytes'>;

/** Memory that serving in fp32 takes, in bytes. */
export interface MemoryEstimate {
  readonly decoderBytes: number;
  readonly headBytes: number;
  readonly towerBytes: number;
  readonly kvCacheBytes: number;
  /** Positions that the KV cache holds. */
  readonly kvCacheTokens: number;
  readonly totalBytes: number;
}

/** Keys and values: 2 · layers · KV heads · head size · bytes of an element. */
export function kvBytesPerToken({ numLayers, numKvHeads, headDim }: TextConfig): KvBytesPerToken {
  const numValues = 2 * numLayers * numKvHeads * headDim;
  return { half: numValues * 2, float32: numValues * 4 };
}

/**
 * Weights in fp32 and the KV cache; `counts` are the parameters that the model uses, a tied head counted once.
 *
 *     decoder   4 · (language parameters − embedding table − own head)
 *     head      4 · vocabulary · hidden size; a tied one too, since the embedding table is not kept in memory
 *     tower     4 · vision parameters
 *     KV cache  --kv-cache-tokens, else what --kv-cache-bytes allows, at most --max-sequences full contexts
 *
 * Rows of the embedding table are read from disk. Activations, decoded pictures and Node.js itself come on top.
 */
export function estimateMemory(
  { text, isHeadTied }: ModelConfig,
  { language, vision }: ParameterCounts,
  budget: KvBudget,
): MemoryEstimate {
  const tableLen = text.vocabSize * text.hiddenSize;
  const decoderBytes = 4 * (language.numParams - tableLen * (isHeadTied ? 1 : 2));
  const headBytes = 4 * tableLen;
  const towerBytes = 4 * vision.numParams;
  const kvCacheTokens = kvCapacity(text, budget);
  const kvCacheBytes = kvCacheTokens * kvBytesPerToken(text).float32;
  const totalBytes = decoderBytes + headBytes + towerBytes + kvCacheBytes;
  return { decoderBytes, headBytes, towerBytes, kvCacheBytes, kvCacheTokens, totalBytes };
}

function kvCapacity(text: TextConfig, { maxSequences, kvCacheTokens, kvCacheBytes }: KvBudget): number {
  const affordable = Math.floor(kvCacheBytes / kvBytesPerToken(text).float32);
  return kvCacheTokens ?? Math.min(affordable, maxSequences * text.maxPositionEmbeddings);
}
