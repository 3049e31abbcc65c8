import { type EncoderDescription, type EncoderEngine, ServingError, type VisualInput } from '@tessera/domain';
import { floatsOf, mixDigest } from './fake-digest.js';
import { Gate } from './gate.js';

/** A vision tower without a model: embeddings follow from grid and frames. Tests decide when it waits or fails. */
export class FakeEncoderEngine implements EncoderEngine {
  readonly description: EncoderDescription;
  /** The visuals of every call that came to an end, in order. */
  readonly batches: (readonly VisualInput[])[] = [];
  readonly encodes = new Gate();
  readonly #failures: Error[] = [];
  readonly #spoiled = new Map<number, number>();
  #isClosed = false;

  constructor(given: Partial<EncoderDescription> = {}) {
    this.description = { modelRevision: 'fake', hiddenSize: 4, ...given };
  }

  /** Every visual that was encoded, in order. */
  get encoded(): readonly VisualInput[] {
    return this.batches.flat();
  }

  failNextEncode(error: Error = new ServingError('internal', 'The encoding failed.')): void {
    this.#failures.push(error);
  }

  /** The first `numValues` of the rows of visuals whose frames begin with this byte are not numbers. */
  spoil(firstByte: number, numValues: number): void {
    this.#spoiled.set(firstByte, numValues);
  }

  async encode(visuals: readonly VisualInput[]): Promise<Float32Array[]> {
    if (this.#isClosed) throw new ServingError('worker_failed', 'The engine thread exited with code 0.');
    await this.encodes.pass();
    const failure = this.#failures.shift();
    if (failure) throw failure;
    this.batches.push(visuals);
    return visuals.map((visual) => this.#embed(visual));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #embed({ grid, numFrames, frames }: VisualInput): Float32Array {
    const digest = [grid.t, grid.h, grid.w, numFrames, ...frames].reduce(mixDigest, 0);
    const rows = floatsOf(digest, ((grid.t * grid.h * grid.w) / 4) * this.description.hiddenSize);
    return rows.fill(Number.NaN, 0, this.#spoiled.get(frames[0]) ?? 0);
  }
}
