import type { AttentionShape, AttentionSpan } from '../paged-attention.js';
import { type AttentionCapacity, type KvMemoryPlan, wasmPageLen } from './kv-memory-plan.js';

/** Word indices of the job; `kernels/job.ts` reads it. */
const word = {
  finishedItems: 2,
  numItems: 3,
  numHeads: 4,
  numKvHeads: 5,
  headDim: 6,
  queries: 7,
  output: 8,
  rows: 9,
  keys: 10,
  values: 11,
  maxPositions: 12,
} as const;

const beingLaidOut = 0xffff_ffffn;

type JobLimits = Pick<AttentionCapacity, 'maxRows' | 'maxSpans' | 'maxPositions'>;

/** The job of one memory: lays out what all threads then work on. */
export class AttentionJob {
  readonly #plan: KvMemoryPlan;
  readonly #shape: AttentionShape;
  readonly #words: Uint32Array;
  readonly #claims: BigUint64Array;
  readonly #memoryWords: Uint32Array;
  readonly #limits: JobLimits;
  #spans: readonly AttentionSpan[] | undefined;
  #numRows = 0;

  constructor(memory: WebAssembly.Memory, plan: KvMemoryPlan, shape: AttentionShape, limits: JobLimits) {
    this.#plan = plan;
    this.#shape = shape;
    this.#limits = limits;
    this.#words = new Uint32Array(memory.buffer, plan.job, 16);
    this.#claims = new BigUint64Array(memory.buffer, plan.job, 1);
    this.#memoryWords = new Uint32Array(memory.buffer);
    this.#words[word.numHeads] = shape.numHeads;
    this.#words[word.numKvHeads] = shape.numKvHeads;
    this.#words[word.headDim] = shape.headDim;
    this.#words[word.queries] = plan.queries;
    this.#words[word.output] = plan.output;
    this.#words[word.rows] = plan.rowTable;
    this.#words[word.maxPositions] = Math.ceil(limits.maxPositions / wasmPageLen) * wasmPageLen;
  }

  /** Closes the finished job, so that nobody claims from the next one while it is laid out. */
  close(generation: number): void {
    Atomics.store(this.#claims, 0, (BigInt(generation) << 32n) | beingLaidOut);
  }

  /** Points the job at a layer of this memory. */
  selectLayer(layer: number): void {
    const { pool, poolBytes } = this.#plan;
    this.#words[word.keys] = pool + 2 * layer * poolBytes;
    this.#words[word.values] = pool + (2 * layer + 1) * poolBytes;
  }

  /** Rows of all spans together. */
  get numRows(): number {
    return this.#numRows;
  }

  /** Writes row and page tables; the same spans are not written twice. Throws when there is no room for them. */
  setSpans(spans: readonly AttentionSpan[]): void {
    if (spans === this.#spans) return;
    this.#numRows = countRows(spans, this.#limits);
    this.#spans = spans;
    let row = this.#plan.rowTable / 4;
    let table = this.#plan.pageTables / 4;
    for (const { firstPosition, numRows, pages } of spans) {
      const numPages = Math.ceil((firstPosition + numRows) / wasmPageLen);
      this.#memoryWords.set(pages.slice(0, numPages), table);
      for (let r = 0; r < numRows; r++) {
        this.#memoryWords[row++] = firstPosition + r + 1;
        this.#memoryWords[row++] = table * 4;
      }
      table += numPages;
    }
    this.#words[word.numItems] = this.#numRows * this.#shape.numKvHeads;
  }

  /** Lets every thread that knows `generation` claim items. */
  open(generation: number): void {
    this.#words[word.finishedItems] = 0;
    Atomics.store(this.#claims, 0, BigInt(generation) << 32n);
  }

  /**
   * Blocks until every item is finished: briefly spinning, since an item takes a fraction of a millisecond. False when
   * they are not for so long that a thread may be dead, of which a blocked thread does not hear.
   */
  blockUntilFinished(): boolean {
    const numItems = this.#words[word.numItems];
    const finished = new Int32Array(this.#words.buffer, this.#plan.job + word.finishedItems * 4, 1);
    for (let tries = 0; tries < maxSpins + maxWaits; tries++) {
      const seen = Atomics.load(finished, 0);
      if (seen === numItems) return true;
      if (tries >= maxSpins) Atomics.wait(finished, 0, seen, maxWaitMs);
    }
    return false;
  }
}

/** Rows of spans that tile the rows in order; throws when they don't, or exceed what the memory was planned for. */
function countRows(spans: readonly AttentionSpan[], { maxRows, maxSpans, maxPositions }: JobLimits): number {
  if (spans.length > maxSpans) throw new RangeError(`${spans.length} spans in a step of at most ${maxSpans}.`);
  let numRows = 0;
  for (const span of spans) {
    const end = span.firstPosition + span.numRows;
    if (span.firstRow !== numRows) throw new RangeError(`A span begins at row ${span.firstRow} instead of ${numRows}.`);
    if (end > maxPositions) throw new RangeError(`${end} positions in a sequence of at most ${maxPositions}.`);
    numRows += span.numRows;
  }
  if (numRows > maxRows) throw new RangeError(`${numRows} rows in a step of at most ${maxRows}.`);
  return numRows;
}

const maxSpins = 20_000;
const maxWaits = 400;
const maxWaitMs = 0.05;
