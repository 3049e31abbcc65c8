/** Where a row comes from. */
export interface RowPlace {
  readonly prompt: string;
  /** Token of the sequence, patch or merged patch of the picture. */
  readonly row: number;
}

/** A value that sticks out of its row. */
export interface Outlier extends RowPlace {
  readonly channel: number;
  /** |value| / root mean square of the row. */
  readonly peak: number;
}

/** How rows of one layer or block differ from those of the fp32 engine. */
export interface RowErrorSummary {
  readonly name: string;
  readonly numRows: number;
  /** Mean and largest of ‖difference‖ / ‖fp32 row‖. */
  readonly meanError: number;
  readonly largestError: number;
  readonly meanCosine: number;
  /** The one that sticks out furthest, in the fp32 engine. */
  readonly outlier: Outlier;
}

/** Keeps a row of zeros from dividing by zero. */
const smallestNorm = 1e-30;

/** Compares rows of one layer or block, one after the other. */
export class RowErrors {
  readonly #name: string;
  #numRows = 0;
  #errorSum = 0;
  #largestError = 0;
  #cosineSum = 0;
  #outlier: Outlier = { prompt: '', row: 0, channel: 0, peak: 0 };

  constructor(name: string) {
    this.#name = name;
  }

  add(actual: Float32Array, expected: Float32Array, place: RowPlace): void {
    const { error, cosine } = compareRows(actual, expected);
    this.#numRows += 1;
    this.#errorSum += error;
    if (!(error <= this.#largestError)) this.#largestError = error;
    this.#cosineSum += cosine;
    const { channel, peak } = peakOf(expected);
    if (peak > this.#outlier.peak) this.#outlier = { ...place, channel, peak };
  }

  get summary(): RowErrorSummary {
    return {
      name: this.#name,
      numRows: this.#numRows,
      meanError: this.#errorSum / this.#numRows,
      largestError: this.#largestError,
      meanCosine: this.#cosineSum / this.#numRows,
      outlier: this.#outlier,
    };
  }
}

function compareRows(actual: Float32Array, expected: Float32Array): { error: number; cosine: number } {
  let [difference, dot, actualSquares, expectedSquares] = [0, 0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    dot += actual[i] * expected[i];
    actualSquares += actual[i] ** 2;
    expectedSquares += expected[i] ** 2;
  }
  const expectedNorm = Math.sqrt(expectedSquares) + smallestNorm;
  return {
    error: Math.sqrt(difference) / expectedNorm,
    cosine: dot / (expectedNorm * (Math.sqrt(actualSquares) + smallestNorm)),
  };
}

/** The channel of largest magnitude, and how far it sticks out. */
export function peakOf(row: Float32Array): { readonly channel: number; readonly peak: number } {
  let channel = 0;
  let squares = 0;
  for (let i = 0; i < row.length; i++) {
    squares += row[i] ** 2;
    if (Math.abs(row[i]) > Math.abs(row[channel])) channel = i;
  }
  return { channel, peak: Math.abs(row[channel]) / (Math.sqrt(squares / row.length) + smallestNorm) };
}
