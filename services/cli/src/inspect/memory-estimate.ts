import { type KvBudget, kvBytesPerToken, kvCapacityTokens } from '@tessera/engine';
import {
  fewRowForms,
  formOf,
  type WeightForm,
  type WeightForms,
  type WeightPart,
  weightBytes,
  weightParts,
} from '@tessera/onnx-graph';
import type { ModelConfig, TensorShapes, TextConfig } from '@tessera/qwen2-5-vl';
import { estimateWorkingMemory, type WorkingPart, type WorkLimits } from './working-memory.js';

/** Bytes of the keys and values of one position, by how they are kept. */
export interface KvBytesByForm {
  /** In bf16 or fp16, as published numbers are (spec §1.3); the CPU engine has no such form. */
  readonly half: number;
  readonly float32: number;
  readonly int8: number;
}

/** The most memory that serving takes, in bytes: what cannot be read back from a file (RssAnon + RssShmem). */
export interface MemoryEstimate {
  readonly weightBytes: Readonly<Record<WeightPart, number>>;
  /** Forms of the matrices of each part, such as `int4 as published`; mostly one. */
  readonly weightForms: Readonly<Record<WeightPart, readonly string[]>>;
  readonly kvCacheBytes: number;
  /** Positions that the KV cache holds. */
  readonly kvCacheTokens: number;
  readonly workingBytes: Readonly<Record<WorkingPart, number>>;
  readonly totalBytes: number;
}

/** How an engine keeps what it has in memory, and what it does at once. */
export interface MemoryOptions {
  readonly weights: WeightForms;
  readonly kvCache: KvBudget;
  readonly work: WorkLimits;
  /** Size of tokenizer.json. */
  readonly tokenizerFileBytes: number;
}

export function kvBytesByForm(text: TextConfig): KvBytesByForm {
  const float32 = kvBytesPerToken(text, 'float32');
  return { half: float32 / 2, float32, int8: kvBytesPerToken(text, 'int8') };
}

/**
 * Weights, each in the form that the engine keeps it in, the KV cache, and what working with them takes; `shapes` are
 * the tensors that the model uses. A tied head is in memory like one of its own, since rows of the embedding table are
 * read from disk. Vectors and the patch embedding are kept in fp32.
 */
export function estimateMemory(
  config: ModelConfig,
  shapes: TensorShapes,
  { weights, kvCache, work, tokenizerFileBytes }: MemoryOptions,
): MemoryEstimate {
  const { text, isHeadTied } = config;
  const tensors = [...shapes].flatMap(([name, shape]) => keptTensors(name, shape, partOf(name, isHeadTied), weights));
  const inPart = (part: WeightPart): KeptTensor[] => tensors.filter((tensor) => tensor.part === part);
  const partBytes = eachPart((part) => inPart(part).reduce((sum, { numBytes }) => sum + numBytes, 0));
  const weightForms = eachPart((part) => [...new Set(inPart(part).flatMap(({ form }) => form ?? []))]);
  const kvCacheTokens = kvCapacityTokens(text, kvCache);
  const kvCacheBytes = kvCacheTokens * kvBytesPerToken(text, kvCache.kv);
  const workingBytes = estimateWorkingMemory({ config, kvCacheTokens, tokenizerFileBytes }, work);
  const parts = [...Object.values(partBytes), ...Object.values(workingBytes)];
  const totalBytes = parts.reduce((sum, numBytes) => sum + numBytes, kvCacheBytes);
  return { weightBytes: partBytes, weightForms, kvCacheBytes, kvCacheTokens, workingBytes, totalBytes };
}

interface KeptTensor {
  readonly part: WeightPart;
  readonly numBytes: number;
  /** Of a matrix. */
  readonly form?: string;
}

/** A tensor as often as an engine keeps it: twice if it is a matrix of a decoder in two forms. */
function keptTensors(
  name: string,
  shape: readonly number[],
  part: WeightPart | undefined,
  weights: WeightForms,
): KeptTensor[] {
  if (part === undefined) return [];
  const [numRows, numColumns] = shape;
  if (shape.length !== 2) return [{ part, numBytes: shape.reduce((product, n) => product * n, 4) }];
  const inFewRows = part === 'decoder' ? fewRowForms(weights) : undefined;
  return [weights, ...(inFewRows ? [inFewRows] : [])].map((forms) => {
    const form = formOf(forms, part, [name], numColumns!);
    return { part, numBytes: weightBytes(form, [numRows!, numColumns!]), form: describeForm(form) };
  });
}

function eachPart<Value>(compute: (part: WeightPart) => Value): Record<WeightPart, Value> {
  return Object.fromEntries(weightParts.map((part) => [part, compute(part)])) as Record<WeightPart, Value>;
}

/** The part that a tensor belongs to, by its canonical name; undefined for the embedding table, which stays on disk. */
function partOf(name: string, isHeadTied: boolean): WeightPart | undefined {
  if (name.startsWith('visual.merger.')) return 'merger';
  if (name.startsWith('visual.')) return 'tower';
  if (name.startsWith('lm_head.')) return 'head';
  if (name !== 'model.embed_tokens.weight') return 'decoder';
  return isHeadTied ? 'head' : undefined;
}

function describeForm(form: WeightForm): string {
  return form.kind === 'int4' && form.published ? 'int4 as published' : form.kind;
}
