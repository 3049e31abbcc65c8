import type { SeededRandom } from '../seeded-random.js';
import type { ContractKernel, ContractQkv, ContractShape, ContractSpan } from './contract-kernel.js';

/** One sequence with all of its rows, to be fed in parts. */
export interface AttentionStream {
  readonly qkv: ContractQkv;
  readonly length: number;
  readonly pages: readonly number[];
}

export interface FeedOptions {
  /** Rows of a stream in a step; asked anew for each. */
  readonly chunkLen: () => number;
  /** Position to begin with; what comes before is in the pool already. */
  readonly from?: number;
  readonly layer?: number;
}

interface Part {
  readonly stream: number;
  readonly span: ContractSpan;
}

/** Random sequences on scattered pages of one kernel. */
export class AttentionWorld {
  readonly pageLen: number;
  readonly #random: SeededRandom;
  readonly #kernel: ContractKernel;
  readonly #rowLens: { readonly q: number; readonly k: number; readonly v: number };
  readonly #freePages: number[];

  constructor(random: SeededRandom, kernel: ContractKernel, { numHeads, numKvHeads, headDim }: ContractShape) {
    const { pageLen, numPages } = kernel.layout;
    this.pageLen = pageLen;
    this.#random = random;
    this.#kernel = kernel;
    this.#rowLens = { q: numHeads * headDim, k: numKvHeads * headDim, v: numKvHeads * headDim };
    this.#freePages = random.shuffle(Array.from({ length: numPages }, (_, page) => page));
  }

  take(numPages: number): number[] {
    return this.#freePages.splice(0, numPages);
  }

  free(pages: readonly number[]): void {
    this.#freePages.push(...pages);
  }

  createStream(length: number, pages = this.take(Math.ceil(length / this.pageLen))): AttentionStream {
    const rows = (rowLen: number) => this.#random.normals(length * rowLen);
    const { q, k, v } = this.#rowLens;
    return { qkv: { q: rows(q), k: rows(k), v: rows(v) }, length, pages };
  }

  /** The same rows on other pages. */
  move(stream: AttentionStream): AttentionStream {
    return { ...stream, pages: this.take(stream.pages.length) };
  }

  /** Feeds all streams side by side to their ends and returns the outputs of each. */
  async feed(streams: readonly AttentionStream[], options: FeedOptions): Promise<Float32Array[]> {
    const outs = streams.map(({ qkv }) => new Float32Array(qkv.q.length));
    const done = streams.map(() => options.from ?? 0);
    for (;;) {
      const parts = this.#nextParts(streams, done, options);
      if (parts.length === 0) return outs;
      const out = await this.#attend(streams, parts, options.layer ?? 0);
      for (const { stream, span } of parts) {
        const { firstRow, numRows, firstPosition } = span;
        const { q } = this.#rowLens;
        outs[stream].set(out.subarray(firstRow * q, (firstRow + numRows) * q), firstPosition * q);
        done[stream] += numRows;
      }
    }
  }

  #nextParts(streams: readonly AttentionStream[], done: readonly number[], { chunkLen }: FeedOptions): Part[] {
    const parts: Part[] = [];
    let firstRow = 0;
    for (const [stream, { length, pages }] of streams.entries()) {
      const firstPosition = done[stream];
      const numRows = Math.min(chunkLen(), length - firstPosition);
      if (numRows > 0) parts.push({ stream, span: { firstRow, numRows, firstPosition, pages } });
      firstRow += numRows;
    }
    return parts;
  }

  async #attend(streams: readonly AttentionStream[], parts: readonly Part[], layer: number): Promise<Float32Array> {
    const gather = (kind: keyof ContractQkv): Float32Array => {
      const rowLen = this.#rowLens[kind];
      const rows = parts.map(({ stream, span: { firstPosition, numRows } }) =>
        streams[stream].qkv[kind].subarray(firstPosition * rowLen, (firstPosition + numRows) * rowLen),
      );
      return Float32Array.from(rows.flatMap((values) => [...values]));
    };
    const qkv = { q: gather('q'), k: gather('k'), v: gather('v') };
    const out = new Float32Array(qkv.q.length);
    const spans = parts.map(({ span }) => span);
    await this.#kernel.attend(layer, spans, qkv, out);
    return out;
  }
}
