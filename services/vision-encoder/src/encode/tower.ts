import { type EncoderEngine, ServingError, type VisualInput } from '@tessera/domain';

/** A call of the engine that came to its end. */
export interface EncodedBatch {
  readonly numVisuals: number;
  readonly numPatches: number;
  readonly durationMs: number;
}

/** The engine with each visual's outcome of its own. */
export class Tower {
  /** Resolves with the reason when the engine can run nothing any more. */
  readonly lost: Promise<Error>;
  readonly #engine: Pick<EncoderEngine, 'encode'>;
  readonly #onBatch: (batch: EncodedBatch) => void;
  #lose: (error: Error) => void = () => {};

  constructor(engine: Pick<EncoderEngine, 'encode'>, onBatch: (batch: EncodedBatch) => void) {
    this.#engine = engine;
    this.#onBatch = onBatch;
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
  }

  /**
   * The rows of each visual, or why there are none; never rejects. A batch that fails is run once more visual by visual,
   * so that only the one at fault fails.
   */
  async encode(visuals: readonly VisualInput[]): Promise<(Float32Array | Error)[]> {
    try {
      return await this.#run(visuals);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      const isLost = failure instanceof ServingError && failure.reason === 'worker_failed';
      if (isLost) this.#lose(failure);
      return isLost || visuals.length === 1 ? visuals.map(() => failure) : this.#encodeEach(visuals);
    }
  }

  async #encodeEach(visuals: readonly VisualInput[]): Promise<(Float32Array | Error)[]> {
    const outcomes: (Float32Array | Error)[] = [];
    for (const visual of visuals) outcomes.push(...(await this.encode([visual])));
    return outcomes;
  }

  async #run(visuals: readonly VisualInput[]): Promise<Float32Array[]> {
    const startMs = performance.now();
    const rows = await this.#engine.encode(visuals);
    this.#onBatch({
      numVisuals: visuals.length,
      numPatches: visuals.reduce((sum, { grid }) => sum + grid.t * grid.h * grid.w, 0),
      durationMs: performance.now() - startMs,
    });
    return rows;
  }
}
