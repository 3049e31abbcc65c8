import { type DecoderDescription, type KvLayout, ServingError } from '@tessera/domain';
import type { EngineManifest, ShardPlan } from '@tessera/onnx-graph';
import type { TextConfig } from '@tessera/qwen2-5-vl';
import type { PagedAttention } from '../attention/paged-attention.js';
import { PlainAttention } from '../attention/plain-attention.js';
import { wasmPageLen } from '../attention/wasm/kv-memory-plan.js';
import { WasmAttention } from '../attention/wasm/wasm-attention.js';

/** Positions a page on the CPU, whatever the kernel. */
const pageLen = wasmPageLen;

/** `wasm` is the fast one; `plain` its oracle, and what serves head sizes that are no multiple of 8. */
export type AttentionKernelName = 'wasm' | 'plain';

/** How a decoder rank is set up; the same on all ranks of a group. */
export interface DecoderOptions {
  /** Threads inside a matmul. */
  readonly numThreads: number;
  readonly kernel: AttentionKernelName;
  /** Threads inside an attention, the caller's included. Default: `numThreads`. */
  readonly numAttentionThreads?: number;
  /** How keys and values are kept; int8 takes a quarter of the memory, and the fast kernel only. Default float32. */
  readonly kvDtype?: KvLayout['dtype'];
  /** Sequences that run at once. */
  readonly numLanes: number;
  /** Positions that the KV pool holds, rounded up to whole pages. */
  readonly kvCapacityTokens: number;
  readonly maxStepTokens: number;
  /** Ids below this one can be sampled; the rest pads the matrix. */
  readonly numTokens: number;
  /** Longest sequence; at most the model's own limit. Default: that limit, or what the pool holds. */
  readonly maxContextLen?: number;
  /** Gives a sequence the same tokens whatever runs beside it, at the price of rows that only fill up. Default false. */
  readonly isDeterministic?: boolean;
}

/** Throws `invalid_option` for a pool that cannot be had. */
export function createAttention(text: TextConfig, shard: ShardPlan, options: DecoderOptions): PagedAttention {
  const shape = {
    numLayers: text.numLayers,
    numHeads: shard.heads.end - shard.heads.start,
    numKvHeads: shard.kvHeads.end - shard.kvHeads.start,
    headDim: text.headDim,
  };
  const numPages = Math.ceil(options.kvCapacityTokens / pageLen);
  const isFast = options.kernel === 'wasm' && text.headDim % 8 === 0;
  if (!isFast && options.kvDtype === 'int8') {
    throw new ServingError('invalid_option', `An int8 KV cache needs the wasm kernel and a head size divisible by 8.`, {
      option: '--kv',
    });
  }
  const capacity = {
    numPages,
    maxRows: options.maxStepTokens,
    maxSpans: options.numLanes,
    maxPositions: longestSequence(text, numPages * pageLen, options),
    numThreads: options.numAttentionThreads ?? options.numThreads,
  };
  try {
    return isFast
      ? new WasmAttention(shape, capacity, options.kvDtype)
      : new PlainAttention(shape, { pageLen, numPages });
  } catch (cause) {
    throw cause instanceof RangeError ? tooLittleMemory(numPages * pageLen, cause) : cause;
  }
}

/** What JavaScript says when it cannot allocate a buffer or a memory of a size. */
function tooLittleMemory(given: number, cause: RangeError): ServingError {
  return new ServingError(
    'invalid_option',
    `There is no memory for a KV cache of ${given} positions (${cause.message}); --kv-cache-tokens makes it smaller.`,
    { option: '--kv-cache-tokens', given },
    { cause },
  );
}

function longestSequence(text: TextConfig, poolTokens: number, { maxContextLen }: DecoderOptions): number {
  return Math.min(text.maxPositionEmbeddings, poolTokens, maxContextLen ?? Number.POSITIVE_INFINITY);
}

/** Throws `invalid_option` for an engine that was not proved to be deterministic as it is to run. */
export function describeDecoder(
  manifest: EngineManifest,
  { layout }: PagedAttention,
  options: DecoderOptions,
): DecoderDescription {
  assertDeterminism(manifest, options);
  const { text } = manifest.config;
  return {
    modelRevision: manifest.modelRevision,
    numRanks: manifest.options.numRanks,
    numLanes: options.numLanes,
    maxContextLen: longestSequence(text, layout.numPages * layout.pageLen, options),
    maxStepTokens: options.maxStepTokens,
    vocabSize: text.vocabSize,
    hiddenSize: text.hiddenSize,
    kvLayout: layout,
    isRowInvariant: isRowInvariant(manifest, options),
  };
}

/** Probed for one number of threads; holds at equal R, since an all-reduce adds row by row in rank order. */
function isRowInvariant({ rowInvariance }: EngineManifest, options: DecoderOptions): boolean {
  if (rowInvariance?.numThreads !== options.numThreads) return false;
  return options.isDeterministic ? rowInvariance.isTileInvariant : rowInvariance.isDecoderInvariant;
}

function assertDeterminism(manifest: EngineManifest, options: DecoderOptions): void {
  if (!options.isDeterministic || isRowInvariant(manifest, options)) return;
  const { rowInvariance } = manifest;
  const why =
    rowInvariance && rowInvariance.numThreads !== options.numThreads
      ? `was probed with ${rowInvariance.numThreads} threads and is to run with ${options.numThreads}; give the same --threads, or compile into another --engine-cache`
      : 'has operations whose result depends on the rows beside';
  throw new ServingError('invalid_option', `--deterministic cannot be kept: the engine ${why}.`, {
    option: '--deterministic',
  });
}
