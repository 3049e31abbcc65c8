import { ServingError } from '@tessera/domain';
import type { AttentionShape } from '../paged-attention.js';

/** What a pool must hold and how large a step can get. */
export interface AttentionCapacity {
  readonly numPages: number;
  /** Rows of a step. */
  readonly maxRows: number;
  /** Sequences of a step. */
  readonly maxSpans: number;
  /** Longest sequence. */
  readonly maxPositions: number;
  readonly numThreads: number;
}

/** Byte offsets in one WebAssembly memory that holds `numLayers` layers of the pool. */
export interface KvMemoryPlan {
  readonly numLayers: number;
  readonly job: number;
  readonly queries: number;
  readonly keys: number;
  readonly values: number;
  readonly output: number;
  readonly rowTable: number;
  readonly pageTables: number;
  /** Scratch of thread i is at `scratch + i · scratchBytes`. */
  readonly scratch: number;
  readonly scratchBytes: number;
  readonly pool: number;
  /** Keys of a layer, then its values, each of this size. */
  readonly poolBytes: number;
  readonly numBytes: number;
}

export const wasmPageLen = 16;
const maxMemoryBytes = 2 ** 32 - 2 ** 16;

/** Layers by memory: as many as fit below 4 GiB beside what a step needs. Throws `invalid_option` when not even one does. */
export function planMemories(shape: AttentionShape, capacity: AttentionCapacity, pageBytes: number): KvMemoryPlan[] {
  const workspace = layOut(shape, capacity, pageBytes, 0);
  const layerBytes = 2 * workspace.poolBytes;
  const layersPerMemory = Math.min(shape.numLayers, Math.floor((maxMemoryBytes - workspace.numBytes) / layerBytes));
  if (layersPerMemory < 1) throw tooManyPages(capacity, workspace, layerBytes / capacity.numPages);
  const numMemories = Math.ceil(shape.numLayers / layersPerMemory);
  return Array.from({ length: numMemories }, (_, i) =>
    layOut(shape, capacity, pageBytes, Math.min(layersPerMemory, shape.numLayers - i * layersPerMemory)),
  );
}

function tooManyPages({ numPages }: AttentionCapacity, workspace: KvMemoryPlan, bytesPerPage: number): ServingError {
  const given = numPages * wasmPageLen;
  const limit = Math.max(0, Math.floor((maxMemoryBytes - workspace.numBytes) / bytesPerPage)) * wasmPageLen;
  return new ServingError(
    'invalid_option',
    `A KV cache of ${given} positions is above ${limit}, what one WebAssembly memory (4 GiB) holds of a layer.`,
    { option: '--kv-cache-tokens', limit, given },
  );
}

function layOut(
  { numHeads, numKvHeads, headDim }: AttentionShape,
  { numPages, maxRows, maxSpans, maxPositions, numThreads }: AttentionCapacity,
  pageBytes: number,
  numLayers: number,
): KvMemoryPlan {
  let end = 1024;
  const take = (numBytes: number): number => {
    const offset = end;
    end = roundUp(end + numBytes, 64);
    return offset;
  };
  const group = numHeads / numKvHeads;
  const scratchBytes = scratchSize(group, headDim, maxPositions);
  const poolBytes = numPages * numKvHeads * pageBytes;
  const plan = {
    numLayers,
    job: take(64),
    queries: take(maxRows * numHeads * headDim * 4),
    keys: take(maxRows * numKvHeads * headDim * 4),
    values: take(maxRows * numKvHeads * headDim * 4),
    output: take(maxRows * numHeads * headDim * 4),
    rowTable: take(maxRows * 8),
    pageTables: take(maxSpans * Math.ceil(maxPositions / wasmPageLen) * 4),
    scratch: take(numThreads * scratchBytes),
    scratchBytes,
    pool: take(2 * numLayers * poolBytes),
    poolBytes,
  };
  return { ...plan, numBytes: end };
}

/** Scores of a group of heads, and per head (and one more) sums, queries, a page's weights and a few scalars. */
function scratchSize(group: number, headDim: number, maxPositions: number): number {
  const perHead = 4 * headDim + 2 * headDim + 2 * wasmPageLen + 8;
  return roundUp(4 * group * roundUp(maxPositions, wasmPageLen) + (group + 1) * perHead, 64);
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
