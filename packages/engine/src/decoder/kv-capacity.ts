import { freemem } from 'node:os';
import type { KvLayout } from '@tessera/domain';
import type { TextConfig } from '@tessera/qwen2-5-vl';

/** A server's options that size its KV cache. */
export interface KvBudget {
  readonly kv: KvLayout['dtype'];
  readonly maxSequences: number;
  readonly maxContextLen?: number;
  /** Positions; wins over bytes. */
  readonly kvCacheTokens?: number;
  /** Default: a quarter of the free memory. */
  readonly kvCacheBytes?: number;
}

/** Keys and values of one position in all layers; a row of int8 has a float32 scale beside it. */
export function kvBytesPerToken({ numLayers, numKvHeads, headDim }: TextConfig, dtype: KvBudget['kv']): number {
  const rowBytes = dtype === 'int8' ? headDim + 4 : headDim * 4;
  return 2 * numLayers * numKvHeads * rowBytes;
}

/** What one layer may take of the 4 GiB that a WebAssembly memory addresses; the rest is for the steps themselves. */
const maxLayerBytes = 3 * 2 ** 30;

/**
 * Positions that the KV cache holds: as many as asked for, else what fits into the bytes asked for, else into a quarter
 * of the free memory; the latter two at most `maxSequences` full contexts and what one layer can hold.
 */
export function kvCapacityTokens(text: TextConfig, budget: KvBudget, freeBytes = readFreeBytes()): number {
  const { kv, maxSequences, maxContextLen, kvCacheTokens, kvCacheBytes = freeBytes / 4 } = budget;
  const contextLen = Math.min(maxContextLen ?? Number.POSITIVE_INFINITY, text.maxPositionEmbeddings);
  const bytesPerToken = kvBytesPerToken(text, kv);
  const maxBytes = Math.min(kvCacheBytes, maxLayerBytes * text.numLayers);
  return kvCacheTokens ?? Math.min(maxSequences * contextLen, Math.floor(maxBytes / bytesPerToken));
}

/** Free memory of the machine, or what a container may have at all where that is less. */
export function readFreeBytes(): number {
  return Math.min(freemem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}
