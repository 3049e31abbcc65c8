import { createRandom } from '@tessera/engine';
import { narrowToBf16 } from '@tessera/onnx-graph';

const standardDeviation = 0.02;
const weightPoolLen = 1 << 22;
const gainPoolLen = 1 << 16;
const maxBlockLen = 1 << 21;

/**
 * Random bf16 weights: normally distributed, mean 0 and deviation 0.02, for the gains of norms mean 1. Equal seeds and
 * calls give equal weights. To keep up with a disk, values come from a pool of 4 Mi, cut at random places.
 */
export class RandomWeights {
  readonly #random: () => number;
  readonly #weights: Uint16Array;
  readonly #gains: Uint16Array;

  constructor(seed: number) {
    this.#random = createRandom(seed);
    this.#weights = normalPool(weightPoolLen, 0, this.#random);
    this.#gains = normalPool(gainPoolLen, 1, this.#random);
  }

  /** The bytes of one tensor in blocks of at most 4 MiB; they are views, not to be written to. */
  *blocks(tensor: string, numValues: number): Generator<Uint8Array> {
    const pool = isGain(tensor) ? this.#gains : this.#weights;
    const blockLen = Math.min(maxBlockLen, pool.length / 2);
    for (let done = 0; done < numValues; done += blockLen) {
      const length = Math.min(blockLen, numValues - done);
      const start = Math.floor(this.#random() * (pool.length - length + 1));
      yield new Uint8Array(pool.buffer, start * pool.BYTES_PER_ELEMENT, length * pool.BYTES_PER_ELEMENT);
    }
  }
}

function isGain(tensor: string): boolean {
  return /(norm\d?|layernorm|ln_q)\.weight$/.test(tensor);
}

/** Box–Muller: two uniform numbers give two normal ones. */
function normalPool(length: number, mean: number, random: () => number): Uint16Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i += 2) {
    const radius = standardDeviation * Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    values[i] = mean + radius * Math.cos(angle);
    values[i + 1] = mean + radius * Math.sin(angle);
  }
  return narrowToBf16(values);
}
