import type { CapturedChunk, StepCapture } from '@tessera/domain';
import type { Collective } from '../collective/collective.js';
import type { HeadOutput, HeadRow } from './decoder-head.js';
import type { StepBatch } from './step-batch.js';

/** What a step leaves behind for a capture. */
export interface CaptureSources {
  readonly batch: StepBatch;
  /** Residual stream after each layer, [numRows, hiddenSize] each; empty unless asked for. */
  readonly residuals: readonly Float32Array[];
  readonly headRows: readonly HeadRow[];
  readonly head: HeadOutput;
  readonly hiddenSize: number;
}

/** Sorts a step's debug outputs by chunk; logits are put together from all ranks. */
export async function captureStep(
  capture: StepCapture,
  sources: CaptureSources,
  collective: Collective,
): Promise<CapturedChunk[]> {
  const slices = capture.logits ? await collective.allGather(sources.head.logits) : [];
  return sources.batch.chunks.map(({ chunk, span }, chunkIndex) => {
    const { residuals, headRows, head, hiddenSize, batch } = sources;
    const ownRows = headRows.flatMap((row, i) => (row.chunkIndex === chunkIndex ? [i] : []));
    const logitRows = capture.logits === 'all' || chunk.samples ? ownRows : [];
    const lastRow = span.firstRow + span.numRows - 1;
    return {
      lane: chunk.lane,
      logits: capture.logits ? joinSlices(slices, logitRows, headRows.length) : undefined,
      hiddenLayers: capture.hidden ? pickRows(residuals, lastRow, hiddenSize) : undefined,
      hiddenFinalNorm: head.finalNorm && rowsOf(head.finalNorm, ownRows.at(-1) as number, 1, hiddenSize),
      inputEmbeds: capture.inputEmbeds ? rowsOf(batch.inputEmbeds, span.firstRow, span.numRows, hiddenSize) : undefined,
    };
  });
}

function rowsOf(values: Float32Array, firstRow: number, numRows: number, rowLen: number): Float32Array {
  return values.slice(firstRow * rowLen, (firstRow + numRows) * rowLen);
}

function pickRows(matrices: readonly Float32Array[], row: number, rowLen: number): Float32Array {
  const picked = new Float32Array(matrices.length * rowLen);
  for (const [i, matrix] of matrices.entries()) picked.set(rowsOf(matrix, row, 1, rowLen), i * rowLen);
  return picked;
}

/** Rows of a matrix that the ranks hold by column slices. */
function joinSlices(slices: readonly Float32Array[], rows: readonly number[], numRows: number): Float32Array {
  const sliceLens = slices.map((slice) => slice.length / numRows);
  const rowLen = sliceLens.reduce((sum, length) => sum + length, 0);
  const joined = new Float32Array(rows.length * rowLen);
  let offset = 0;
  for (const row of rows) {
    for (const [rank, slice] of slices.entries()) {
      joined.set(rowsOf(slice, row, 1, sliceLens[rank]), offset);
      offset += sliceLens[rank];
    }
  }
  return joined;
}
