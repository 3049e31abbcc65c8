import { Checkpoint, type CompiledEngine, type WeightIndex } from '@tessera/onnx-graph';
import { peakOf } from './row-errors.js';
import { quantizedMatrices, readStoredMatrix, type StoredMatrix } from './stored-matrix.js';

/** How a matrix as an engine keeps it differs from the published one. */
export interface MatrixError {
  readonly name: string;
  readonly kind: StoredMatrix['kind'];
  /** ‖stored − published‖ / ‖published‖. */
  readonly error: number;
  /** The row of the largest error of its own. */
  readonly worstRow: RowError;
}

export interface RowError {
  readonly row: number;
  readonly error: number;
  /** The row's largest |weight| / root mean square: what takes the steps from the others. */
  readonly peak: number;
}

/** All quantised matrices of an engine of one rank, the largest error first; those of a decoder kept twice, twice. */
export async function measureMatrices(
  checkpointDir: string,
  { dir, manifest }: CompiledEngine,
): Promise<MatrixError[]> {
  const checkpoint = await Checkpoint.open(checkpointDir);
  try {
    const errors: MatrixError[] = [];
    const { weights, fewRows } = manifest.decoder.ranks[0];
    for (const index of [manifest.encoder.weights, weights, ...(fewRows ? [fewRows.weights] : [])]) {
      for (const name of quantizedMatrices(index)) errors.push(await measureMatrix(checkpoint, dir, index, name));
    }
    return errors.sort((a, b) => b.error - a.error);
  } finally {
    await checkpoint.close();
  }
}

async function measureMatrix(
  checkpoint: Checkpoint,
  engineDir: string,
  index: WeightIndex,
  name: string,
): Promise<MatrixError> {
  const tensors = publishedTensors(checkpoint, name);
  const numRows = tensors.reduce((sum, tensor) => sum + rowsIn(checkpoint, tensor), 0);
  const stored = await readStoredMatrix(engineDir, index, name, numRows);
  let [squares, difference, firstRow] = [0, 0, 0];
  let worstRow: RowError = { row: 0, error: 0, peak: 0 };
  for await (const published of publishedRows(checkpoint, tensors)) {
    for (const row of compareRows(stored, published, firstRow)) {
      squares += row.squares;
      difference += row.difference;
      const error = relative(row);
      if (error > worstRow.error) worstRow = { row: row.index, error, peak: peakOf(row.values).peak };
    }
    firstRow += published.numRows;
  }
  return { name, kind: stored.kind, error: relative({ squares, difference }), worstRow };
}

/** The engine keeps queries, keys and values as one matrix, one below the other. */
function publishedTensors({ shapes }: Checkpoint, name: string): string[] {
  return shapes.has(name) ? [name] : ['q', 'k', 'v'].map((part) => name.replace('qkv_proj', `${part}_proj`));
}

function rowsIn({ shapes }: Checkpoint, tensor: string): number {
  return shapes.get(tensor)?.[0] ?? 0;
}

interface RowBlock {
  readonly numRows: number;
  /** [numRows, K]. */
  readonly values: Float32Array;
}

const maxBlockBytes = 16 << 20;

async function* publishedRows(checkpoint: Checkpoint, tensors: readonly string[]): AsyncGenerator<RowBlock> {
  for (const tensor of tensors) {
    const rowLen = (checkpoint.shapes.get(tensor) ?? []).slice(1).reduce((product, n) => product * n, 1);
    const rowsPerBlock = Math.max(1, Math.floor(maxBlockBytes / (rowLen * 4)));
    for (let row = 0; row < rowsIn(checkpoint, tensor); row += rowsPerBlock) {
      const end = Math.min(row + rowsPerBlock, rowsIn(checkpoint, tensor));
      yield { numRows: end - row, values: await checkpoint.readRows(tensor, row, end) };
    }
  }
}

/** Sums of squares of a row and of its error. */
interface Squares {
  readonly squares: number;
  readonly difference: number;
}

function* compareRows(
  stored: StoredMatrix,
  { numRows, values }: RowBlock,
  firstRow: number,
): Generator<Squares & { readonly index: number; readonly values: Float32Array }> {
  const kept = stored.rows(firstRow, firstRow + numRows);
  const [rowLen, keptLen] = [values.length / numRows, kept.length / numRows];
  for (let row = 0; row < numRows; row++) {
    const published = values.subarray(row * rowLen, (row + 1) * rowLen);
    let [squares, difference] = [0, 0];
    for (let k = 0; k < rowLen; k++) {
      squares += published[k] ** 2;
      difference += (kept[row * keptLen + k] - published[k]) ** 2;
    }
    yield { index: firstRow + row, values: published, squares, difference };
  }
}

function relative({ squares, difference }: Squares): number {
  return squares === 0 ? 0 : Math.sqrt(difference / squares);
}
