import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { createSession, type SessionOptions } from './create-session.js';

/** Float32 tensors [rows, width] by name. */
export type RowTensors = Readonly<Record<string, Tensor>>;

/** Rows as a tensor [numRows, width]. */
export function rowTensor(data: Float32Array, numRows: number): Tensor {
  return new Tensor('float32', data, [numRows, data.length / numRows]);
}

/** A graph whose inputs and outputs all have one row a token. */
export interface RowSession {
  /** `outputs` names those wanted; default all. */
  run(feeds: RowTensors, outputs?: readonly string[]): Promise<RowTensors>;
  close(): Promise<void>;
}

export interface RowSessionOptions extends SessionOptions {
  /** Run exactly this many rows at a time, so that no kernel is chosen by how many there are. */
  readonly rowTile?: number;
}

/** Throws `engine_invalid`. */
export async function createRowSession(
  engineDir: string,
  graph: string,
  options: RowSessionOptions,
): Promise<RowSession> {
  const session = await createSession(engineDir, graph, options);
  return options.rowTile ? new TiledSession(session, options.rowTile) : new WholeSession(session);
}

class WholeSession implements RowSession {
  readonly #session: InferenceSession;

  constructor(session: InferenceSession) {
    this.#session = session;
  }

  run(feeds: RowTensors, outputs?: readonly string[]): Promise<RowTensors> {
    return outputs ? this.#session.run(feeds, outputs) : this.#session.run(feeds);
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}

/** Runs tile after tile; the last one is filled up with zeros. */
class TiledSession implements RowSession {
  readonly #session: InferenceSession;
  readonly #rowTile: number;

  constructor(session: InferenceSession, rowTile: number) {
    this.#session = session;
    this.#rowTile = rowTile;
  }

  async run(feeds: RowTensors, outputs?: readonly string[]): Promise<RowTensors> {
    const inputs = Object.entries(feeds);
    const numRows = inputs[0][1].dims[0];
    const joined: Record<string, Float32Array> = {};
    for (let row = 0; row < numRows; row += this.#rowTile) {
      const tile = Object.fromEntries(inputs.map(([name, tensor]) => [name, tileOf(tensor, row, this.#rowTile)]));
      const out: RowTensors = await (outputs ? this.#session.run(tile, outputs) : this.#session.run(tile));
      for (const [name, tensor] of Object.entries(out)) {
        const width = tensor.dims[1];
        joined[name] ??= new Float32Array(numRows * width);
        joined[name].set((tensor.data as Float32Array).subarray(0, (numRows - row) * width), row * width);
      }
    }
    return Object.fromEntries(Object.entries(joined).map(([name, data]) => [name, rowTensor(data, numRows)]));
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}

function tileOf({ data, dims }: Tensor, firstRow: number, numRows: number): Tensor {
  const width = dims[1];
  const tile = new Float32Array(numRows * width);
  tile.set((data as Float32Array).subarray(firstRow * width, (firstRow + numRows) * width));
  return rowTensor(tile, numRows);
}
