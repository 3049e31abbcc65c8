import type { Chunk } from '@tessera/domain';
import { mropeAngles, type TextConfig } from '@tessera/qwen2-5-vl';
import type { AttentionSpan } from '../attention/paged-attention.js';
import type { EmbeddingTable } from './embedding-table.js';
import type { Lane } from './lane.js';
import type { BegunChunk } from './lane-table.js';
import type { StagedEmbeddings } from './staged-embeddings.js';

/** A chunk with the lane it belongs to and its rows in the batch. */
export interface BatchedChunk {
  readonly chunk: Chunk;
  readonly lane: Lane;
  readonly span: AttentionSpan;
}

/** The rows of all chunks of a step, one after the other. */
export interface StepBatch {
  readonly numRows: number;
  readonly chunks: readonly BatchedChunk[];
  /** Those of the chunks; one array for all layers. */
  readonly spans: readonly AttentionSpan[];
  /** [numRows, hiddenSize]. */
  readonly inputEmbeds: Float32Array;
  /** [numRows, headDim / 2] each. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

export interface BatchSources {
  readonly text: TextConfig;
  readonly embeddings: EmbeddingTable;
  readonly staged: StagedEmbeddings;
}

/** Lays out the rows of the chunks in their order. */
export function createStepBatch(chunks: readonly BegunChunk[], sources: BatchSources): StepBatch {
  const batched: BatchedChunk[] = [];
  let numRows = 0;
  for (const { chunk, lane, numTokens } of chunks) {
    const span = { firstRow: numRows, numRows: numTokens, firstPosition: lane.numComputed, pages: lane.pages };
    batched.push({ chunk, lane, span });
    numRows += numTokens;
  }
  const inputEmbeds = new Float32Array(numRows * sources.text.hiddenSize);
  for (const { lane, span } of batched) embedRows(lane, span, sources, inputEmbeds);
  const spans = batched.map(({ span }) => span);
  return { numRows, chunks: batched, spans, inputEmbeds, ...rotaryTables(batched, numRows, sources.text) };
}

function embedRows(
  lane: Lane,
  span: AttentionSpan,
  { text, embeddings, staged }: BatchSources,
  out: Float32Array,
): void {
  for (let r = 0; r < span.numRows; r++) {
    const index = span.firstPosition + r;
    const visual = lane.visuals.find(({ offset, length }) => index >= offset && index < offset + length);
    const row = visual ? staged.row(visual.embeddingKey, index - visual.offset) : embeddings.row(lane.tokenAt(index));
    out.set(row, (span.firstRow + r) * text.hiddenSize);
  }
}

function rotaryTables(chunks: readonly BatchedChunk[], numRows: number, text: TextConfig) {
  const temporal = new Int32Array(numRows);
  const height = new Int32Array(numRows);
  const width = new Int32Array(numRows);
  for (const { lane, span } of chunks) {
    for (let r = 0; r < span.numRows; r++) {
      const row = span.firstRow + r;
      [temporal[row], height[row], width[row]] = lane.positionAt(span.firstPosition + r);
    }
  }
  return mropeAngles({ temporal, height, width }, text);
}
