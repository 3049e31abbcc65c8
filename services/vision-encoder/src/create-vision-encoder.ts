import {
  type EmbeddingKey,
  type EncodeJob,
  type EncoderEngine,
  type EncoderUpdate,
  ServingError,
  type VisionEncoderDescription,
  type VisualInput,
} from '@tessera/domain';
import type { LentEmbedding, ServedEncoder } from '@tessera/rpc';
import { EmbeddingCache } from './embedding-cache.js';
import { assertFinite } from './encode/assert-finite.js';
import { EncodePipeline, type PipelineLimits } from './encode/encode-pipeline.js';
import { EncodeRun } from './encode/encode-run.js';
import { type EncodedBatch, Tower } from './encode/tower.js';
import { EncoderUpdates } from './feed/encoder-updates.js';
import type { MediaDecoderPool } from './media/media-decoder-pool.js';
import { cancelled } from './media/until-aborted.js';

export interface VisionEncoderDeps {
  readonly engine: EncoderEngine;
  readonly decoders: MediaDecoderPool;
  readonly observer?: EncoderObserver;
}

/** Who counts what an encoder does. */
export interface EncoderObserver {
  /** A call of the engine came to its end. */
  encoded(batch: EncodedBatch): void;
  /** Somebody asked for an embedding. */
  fetched(isHit: boolean): void;
}

export interface VisionEncoderOptions extends PipelineLimits {
  /** Bound of the embedding cache. */
  readonly cacheBytes: number;
}

export interface VisionEncoderSnapshot {
  /** Visuals that wait, are being decoded or are in the tower. */
  readonly numEncoding: number;
  readonly numPendingPatches: number;
  readonly numQueuedJobs: number;
  readonly numQueuedBytes: number;
  readonly numCachedEmbeddings: number;
  readonly numCachedBytes: number;
}

export interface RunningVisionEncoder extends ServedEncoder {
  readonly snapshot: VisionEncoderSnapshot;
  /** Resolves with the reason when it can encode nothing any more; what it holds can still be lent. */
  readonly lost: Promise<Error>;
  /** Rejects what waits with `shutting_down` and ends all streams of updates. */
  close(): void;
}

/** Decodes media in child processes, runs the tower and keeps the embeddings; equal jobs share one run. */
export function createVisionEncoder(deps: VisionEncoderDeps, options: VisionEncoderOptions): RunningVisionEncoder {
  return new LocalVisionEncoder(deps, options);
}

class LocalVisionEncoder implements RunningVisionEncoder {
  readonly description: VisionEncoderDescription;
  readonly lost: Promise<Error>;
  readonly #decoders: MediaDecoderPool;
  readonly #observer: EncoderObserver | undefined;
  readonly #cache: EmbeddingCache;
  readonly #pipeline: EncodePipeline;
  readonly #updates = new EncoderUpdates();
  readonly #runs = new Map<EmbeddingKey, EncodeRun>();
  #end: Error | undefined;

  constructor({ engine, decoders, observer }: VisionEncoderDeps, options: VisionEncoderOptions) {
    const { cacheBytes } = options;
    const tower = new Tower(engine, (batch) => observer?.encoded(batch));
    this.description = { ...engine.description, cacheBytes };
    this.lost = tower.lost;
    this.#decoders = decoders;
    this.#observer = observer;
    this.#cache = new EmbeddingCache(cacheBytes, (key) => this.#updates.evicted(key));
    this.#pipeline = new EncodePipeline(
      {
        decode: (run) => this.#decode(run),
        encode: (visuals) => tower.encode(visuals),
        settle: (run, outcome) => this.#settle(run, outcome),
      },
      options,
    );
    void this.lost.then((error) => this.#finish(error));
  }

  get snapshot(): VisionEncoderSnapshot {
    return {
      numEncoding: this.#runs.size,
      numPendingPatches: this.#updates.numPendingPatches,
      numQueuedJobs: this.#pipeline.numQueuedJobs,
      numQueuedBytes: this.#pipeline.numQueuedBytes,
      numCachedEmbeddings: this.#cache.numEntries,
      numCachedBytes: this.#cache.numBytes,
    };
  }

  async encode(job: EncodeJob, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw cancelled(signal);
    // Said once more, and a use: whoever asked may just have heard that it was evicted.
    if (this.#cache.get(job.embeddingKey)) return this.#updates.ready(job.embeddingKey);
    const run = this.#runs.get(job.embeddingKey) ?? this.#start(job);
    await run.join(job.ticket, signal);
  }

  lend(embeddingKey: EmbeddingKey): LentEmbedding | undefined {
    const data = this.#cache.pin(embeddingKey);
    this.#observer?.fetched(data !== undefined);
    if (data === undefined) return undefined;
    return {
      embedding: { embeddingKey, numTokens: data.length / this.description.hiddenSize, data },
      release: () => this.#cache.release(embeddingKey),
    };
  }

  updates(signal: AbortSignal): AsyncIterable<EncoderUpdate> {
    return this.#updates.listen(() => this.#cache.keys(), signal);
  }

  close(): void {
    this.#finish(new ServingError('shutting_down', 'The vision encoder is shutting down.'));
  }

  #start(job: EncodeJob): EncodeRun {
    if (this.#end) throw this.#end;
    const run = new EncodeRun(job, (abandoned) => this.#abandon(abandoned));
    this.#pipeline.add(run);
    this.#runs.set(job.embeddingKey, run);
    this.#countPatches(run.numPatches);
    return run;
  }

  /** What is in the tower is kept for whoever comes next; all else is stopped. */
  #abandon(run: EncodeRun): void {
    if (this.#pipeline.drop(run)) {
      this.#settle(run, new ServingError('cancelled', 'Nobody waits for the picture any more.'));
    }
  }

  async #decode({ job, signal }: EncodeRun): Promise<VisualInput> {
    const { source, processing, grid } = job;
    const { height, width, data } = await this.#decoders.decode({ source, ...processing }, signal);
    return { grid, numFrames: 1, height, width, frames: data };
  }

  #settle(run: EncodeRun, outcome: Float32Array | Error): void {
    const { embeddingKey } = run.job;
    this.#runs.delete(embeddingKey);
    this.#countPatches(-run.numPatches);
    try {
      if (outcome instanceof Error) throw outcome;
      this.#keep(run.job, outcome);
      run.succeed();
    } catch (error) {
      this.#updates.failed(run.tickets, embeddingKey);
      run.fail(error as Error);
    }
  }

  #keep(job: EncodeJob, rows: Float32Array): void {
    assertFinite(rows, job);
    const { cacheBytes } = this.description;
    if (!this.#cache.put(job.embeddingKey, rows)) {
      throw new ServingError(
        'media_too_large',
        `The picture's embedding has ${rows.byteLength} bytes; the encoder keeps ${cacheBytes}.`,
        { limit: cacheBytes, given: rows.byteLength },
      );
    }
    this.#updates.ready(job.embeddingKey);
  }

  #finish(error: Error): void {
    this.#end ??= error;
    this.#pipeline.clear(error);
    this.#updates.end(error);
  }

  #countPatches(difference: number): void {
    this.#updates.setPendingPatches(this.#updates.numPendingPatches + difference);
  }
}
