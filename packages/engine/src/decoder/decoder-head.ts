import { type RowSession, rowTensor } from '../ort/row-session.js';
import type { StepBatch } from './step-batch.js';

/** A row of the residual stream that goes through the head. */
export interface HeadRow {
  readonly chunkIndex: number;
  /** Row in the batch. */
  readonly row: number;
}

export interface HeadOutput {
  /** This rank's part of the logits, [rows, slice]. */
  readonly logits: Float32Array;
  /** [rows, hiddenSize], when asked for. */
  readonly finalNorm?: Float32Array;
}

/** Final norm and output matrix, run only on the rows that need logits. */
export class DecoderHead {
  readonly #session: RowSession;
  readonly #hiddenSize: number;

  constructor(session: RowSession, hiddenSize: number) {
    this.#session = session;
    this.#hiddenSize = hiddenSize;
  }

  async run(residual: Float32Array, rows: readonly HeadRow[], hasFinalNorm: boolean): Promise<HeadOutput> {
    if (rows.length === 0) return { logits: new Float32Array() };
    const selected = new Float32Array(rows.length * this.#hiddenSize);
    for (const [i, { row }] of rows.entries()) {
      selected.set(residual.subarray(row * this.#hiddenSize, (row + 1) * this.#hiddenSize), i * this.#hiddenSize);
    }
    const feeds = { residual: rowTensor(selected, rows.length) };
    const out = await this.#session.run(feeds, hasFinalNorm ? ['logits', 'final_norm'] : ['logits']);
    return { logits: out.logits.data as Float32Array, finalNorm: out.final_norm?.data as Float32Array | undefined };
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

/** Which rows of each chunk need the head: all of them, or the last where `needsLast` says so. */
export function selectHeadRows(
  { chunks }: StepBatch,
  needsAll: boolean,
  needsLast: (chunkIndex: number) => boolean,
): HeadRow[] {
  return chunks.flatMap(({ span }, chunkIndex) => {
    const rows = Array.from({ length: span.numRows }, (_, r) => ({ chunkIndex, row: span.firstRow + r }));
    if (needsAll) return rows;
    return needsLast(chunkIndex) ? rows.slice(-1) : [];
  });
}
