import type { ModelConfig, TextConfig } from '@tessera/qwen2-5-vl';
import { type KvBudget, kvBytesPerToken, kvCapacityTokens } from '@tessera/standalone';
import type { ParameterCounts } from './parameter-counts.js';

/** Bytes of the keys and values of one position, by how they are kept. */
export interface KvBytesByForm {
  /** In bf16 or fp16, as published numbers are (spec §1.3); the CPU engine has no such form. */
  readonly half: number;
  readonly float32: number;
  readonly int8: number;
}

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

export function kvBytesByForm(text: TextConfig): KvBytesByForm {
  const float32 = kvBytesPerToken(text, 'float32');
  return { half: float32 / 2, float32, int8: kvBytesPerToken(text, 'int8') };
}

/**
 * Weights in fp32 and the KV cache; `counts` are the parameters that the model uses, a tied head counted once.
 *
 *     decoder   4 · (language parameters − embedding table − own head)
 *     head      4 · vocabulary · hidden size; a tied one too, since the embedding table is not kept in memory
 *     tower     4 · vision parameters
 *     KV cache  as many positions as the server takes, in the form of --kv
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
  const kvCacheTokens = kvCapacityTokens(text, budget);
  const kvCacheBytes = kvCacheTokens * kvBytesPerToken(text, budget.kv);
  const totalBytes = decoderBytes + headBytes + towerBytes + kvCacheBytes;
  return { decoderBytes, headBytes, towerBytes, kvCacheBytes, kvCacheTokens, totalBytes };
}
