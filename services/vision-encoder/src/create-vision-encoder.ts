import {
  type EmbeddingKey,
  type EmbeddingSource,
  type EncodeJob,
  type EncoderEngine,
  ServingError,
  type StagedEmbedding,
  type VisionEncoder,
} from '@tessera/domain';
import { EmbeddingCache } from './embedding-cache.js';
import type { MediaDecoderPool } from './media/media-decoder-pool.js';
import { cancelled, untilAborted } from './media/until-aborted.js';

export interface VisionEncoderDeps {
  readonly engine: EncoderEngine;
  readonly decoders: MediaDecoderPool;
}

export interface VisionEncoderConfig {
  readonly address: string;
  /** Bound of the embedding cache. */
  readonly cacheBytes: number;
}

export interface VisionEncoderSnapshot {
  readonly numEncoding: number;
  readonly numCachedEmbeddings: number;
  readonly numCachedBytes: number;
}

export interface RunningVisionEncoder extends VisionEncoder, EmbeddingSource {
  readonly snapshot: VisionEncoderSnapshot;
}

/** Decodes media in child processes, runs the tower and keeps the embeddings; equal jobs share one run. */
export function createVisionEncoder(deps: VisionEncoderDeps, config: VisionEncoderConfig): RunningVisionEncoder {
  return new LocalVisionEncoder(deps, config);
}

interface RunningJob {
  readonly done: Promise<void>;
  readonly abort: AbortController;
  numWaiting: number;
}

class LocalVisionEncoder implements RunningVisionEncoder {
  readonly address: string;
  readonly #deps: VisionEncoderDeps;
  readonly #config: VisionEncoderConfig;
  readonly #cache: EmbeddingCache;
  readonly #jobs = new Map<EmbeddingKey, RunningJob>();
  readonly #waiters = new Map<EmbeddingKey, Set<() => void>>();

  constructor(deps: VisionEncoderDeps, config: VisionEncoderConfig) {
    this.address = config.address;
    this.#deps = deps;
    this.#config = config;
    this.#cache = new EmbeddingCache(config.cacheBytes);
  }

  get snapshot(): VisionEncoderSnapshot {
    const { numEntries, numBytes } = this.#cache;
    return { numEncoding: this.#jobs.size, numCachedEmbeddings: numEntries, numCachedBytes: numBytes };
  }

  async encode(job: EncodeJob, signal: AbortSignal): Promise<void> {
    if (this.#cache.has(job.embeddingKey)) return this.#announce(job.embeddingKey);
    if (signal.aborted) throw cancelled(signal);
    const running = this.#jobs.get(job.embeddingKey) ?? this.#start(job);
    running.numWaiting++;
    const leave = (): void => {
      if (--running.numWaiting > 0) return;
      // Whoever comes from now on starts another job.
      this.#forget(job.embeddingKey, running);
      running.abort.abort();
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      await untilAborted(running.done, signal);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  holds(key: EmbeddingKey): boolean {
    return this.#cache.has(key);
  }

  async waitUntilReady(key: EmbeddingKey, signal: AbortSignal): Promise<void> {
    if (this.#cache.has(key)) return;
    const waiters = this.#waiters.get(key) ?? new Set();
    this.#waiters.set(key, waiters);
    let wake: () => void = () => {};
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
      waiters.add(wake);
    });
    try {
      await untilAborted(woken, signal);
    } finally {
      waiters.delete(wake);
      if (waiters.size === 0 && this.#waiters.get(key) === waiters) this.#waiters.delete(key);
    }
  }

  async fetch(embeddingKey: EmbeddingKey): Promise<StagedEmbedding | undefined> {
    const data = this.#cache.get(embeddingKey);
    // A copy, because whoever stages it gives the buffer away.
    return (
      data && { embeddingKey, numTokens: data.length / this.#deps.engine.description.hiddenSize, data: data.slice() }
    );
  }

  #start(job: EncodeJob): RunningJob {
    const abort = new AbortController();
    const done = this.#encode(job, abort.signal).finally(() => this.#forget(job.embeddingKey, running));
    // Everybody who waits gets the rejection; without anybody left it is of no interest.
    done.catch(() => {});
    const running: RunningJob = { done, abort, numWaiting: 0 };
    this.#jobs.set(job.embeddingKey, running);
    return running;
  }

  #forget(key: EmbeddingKey, job: RunningJob): void {
    if (this.#jobs.get(key) === job) this.#jobs.delete(key);
  }

  async #encode(job: EncodeJob, signal: AbortSignal): Promise<void> {
    const { source, processing, grid } = job;
    const image = await this.#deps.decoders.decode({ source, ...processing }, signal);
    const visual = { grid, numFrames: 1, height: image.height, width: image.width, frames: image.data };
    const [embedding] = await this.#deps.engine.encode([visual]);
    if (!this.#cache.put(job.embeddingKey, embedding)) {
      throw new ServingError(
        'media_too_large',
        `The picture's embedding has ${embedding.byteLength} bytes; the encoder keeps ${this.#config.cacheBytes}.`,
        { limit: this.#config.cacheBytes, given: embedding.byteLength },
      );
    }
    this.#announce(job.embeddingKey);
  }

  #announce(key: EmbeddingKey): void {
    for (const wake of this.#waiters.get(key) ?? []) wake();
  }
}
