import { type WeightPart, type WeightPlan, weightBytes } from '@tessera/onnx-graph';
import type { ModelConfig, TensorShapes, TextConfig } from '@tessera/qwen2-5-vl';
import { type KvBudget, kvBytesPerToken, kvCapacityTokens } from '@tessera/standalone';

/** Bytes of the keys and values of one position, by how they are kept. */
export interface KvBytesByForm {
  /** In bf16 or fp16, as published numbers are (spec §1.3); the CPU engine has no such form. */
  readonly half: number;
  readonly float32: number;
  readonly int8: number;
}

/** Memory that serving takes, in bytes. */
export interface MemoryEstimate {
  readonly weightBytes: Readonly<Record<WeightPart, number>>;
  readonly kvCacheBytes: number;
  /** Positions that the KV cache holds. */
  readonly kvCacheTokens: number;
  readonly totalBytes: number;
}

/** How an engine keeps what it has in memory. */
export interface MemoryOptions {
  readonly weights: WeightPlan;
  readonly kvCache: KvBudget;
}

export function kvBytesByForm(text: TextConfig): KvBytesByForm {
  const float32 = kvBytesPerToken(text, 'float32');
  return { half: float32 / 2, float32, int8: kvBytesPerToken(text, 'int8') };
}

/**
 * Weights, each in the form that the plan has for its part, and the KV cache; `shapes` are the tensors that the model
 * uses. A tied head is in memory like one of its own, since rows of the embedding table are read from disk. Vectors and
 * the patch embedding are kept in fp32. Activations, decoded pictures and Node.js itself come on top.
 */
export function estimateMemory(
  { text, isHeadTied }: ModelConfig,
  shapes: TensorShapes,
  { weights, kvCache }: MemoryOptions,
): MemoryEstimate {
  const partBytes: Record<WeightPart, number> = { decoder: 0, head: 0, tower: 0, merger: 0 };
  for (const [name, shape] of shapes) {
    const part = partOf(name, isHeadTied);
    if (part !== undefined) partBytes[part] += tensorBytes(shape, part, weights);
  }
  const kvCacheTokens = kvCapacityTokens(text, kvCache);
  const kvCacheBytes = kvCacheTokens * kvBytesPerToken(text, kvCache.kv);
  const totalBytes = Object.values(partBytes).reduce((sum, numBytes) => sum + numBytes, kvCacheBytes);
  return { weightBytes: partBytes, kvCacheBytes, kvCacheTokens, totalBytes };
}

/** The part that a tensor belongs to, by its canonical name; undefined for the embedding table, which stays on disk. */
function partOf(name: string, isHeadTied: boolean): WeightPart | undefined {
  if (name.startsWith('visual.merger.')) return 'merger';
  if (name.startsWith('visual.')) return 'tower';
  if (name.startsWith('lm_head.')) return 'head';
  if (name !== 'model.embed_tokens.weight') return 'decoder';
  return isHeadTied ? 'head' : undefined;
}

function tensorBytes(shape: readonly number[], part: WeightPart, weights: WeightPlan): number {
  const [numRows, numColumns] = shape;
  if (shape.length === 2) return weightBytes(weights[part], [numRows!, numColumns!]);
  return shape.reduce((product, n) => product * n, 4);
}
