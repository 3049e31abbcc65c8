import {
  type EmbeddingKey,
  type EmbeddingRef,
  type EmbeddingStore,
  type Seal,
  ServingError,
  type StepPlan,
  type StepResult,
} from '@tessera/domain';
import type { RankDescription, RankLease } from '@tessera/rpc';
import type { Logger } from '@tessera/runtime';
import type { RankEngine } from './engine/rank-engine.js';
import type { SealBook } from './seal-book.js';

export interface LedRankParts {
  readonly engine: RankEngine;
  readonly embeddings: (address: string) => EmbeddingStore;
  readonly logger: Logger;
  readonly book: SealBook;
  readonly description: RankDescription;
  readonly rank: number;
  /** Processes of the group. */
  readonly numProcesses: number;
  /** Aborts when the leader's stream is over. */
  readonly signal: AbortSignal;
}

/** A rank under one leader. Steps wait for no fetch: the leader has rows computed once they are known to be staged. */
export class LedRank implements RankLease {
  readonly rank: number;
  readonly description: RankDescription;
  readonly seals: readonly Seal[];
  readonly endsWithFailedStep: boolean;
  readonly #parts: LedRankParts;
  /** Stagings and unstagings that are not done, the last of each embedding. */
  readonly #staging = new Map<EmbeddingKey, Promise<unknown>>();

  constructor(parts: LedRankParts) {
    this.rank = parts.rank;
    this.description = parts.description;
    this.seals = parts.book.seals;
    this.endsWithFailedStep = parts.numProcesses > 1;
    this.#parts = parts;
  }

  stage(embedding: EmbeddingRef): Promise<boolean> {
    return this.#inTurn(embedding.embeddingKey, () => this.#fetch(embedding));
  }

  unstage(embeddingKey: EmbeddingKey): Promise<void> {
    return this.#inTurn(embeddingKey, () => this.#parts.engine.unstage(embeddingKey));
  }

  /** Handed over at once: the engine runs its calls in order, the next step while this one is answered. */
  async step(plan: StepPlan): Promise<StepResult> {
    this.#assertLed();
    const { engine, book, logger, signal } = this.#parts;
    book.begin(plan);
    try {
      const result = await engine.step(plan);
      book.end(result);
      return result;
    } catch (error) {
      book.end(undefined);
      // What a rank left in a step says is no news once its leader is gone.
      if (!signal.aborted) logger.error({ err: error, stepId: plan.stepId }, 'a step failed');
      throw error;
    }
  }

  async #fetch({ embeddingKey, encoderAddress, numTokens }: EmbeddingRef): Promise<boolean> {
    const embedding = await this.#parts.embeddings(encoderAddress).fetch(embeddingKey).catch(missOfLostEncoder);
    if (!embedding) return false;
    if (embedding.numTokens !== numTokens) {
      const message = `Embedding ${embeddingKey} has ${embedding.numTokens} rows instead of ${numTokens}.`;
      throw new ServingError('internal', message);
    }
    this.#assertLed();
    await this.#parts.engine.stage(embedding);
    return true;
  }

  /** The engine belongs to the next leader as soon as the stream of this one is over. */
  #assertLed(): void {
    if (this.#parts.signal.aborted) throw new ServingError('cancelled', 'The leader of this rank is gone.');
  }

  #inTurn<Value>(embeddingKey: EmbeddingKey, work: () => Promise<Value>): Promise<Value> {
    const before = this.#staging.get(embeddingKey) ?? Promise.resolve();
    const done = before.then(work, work);
    this.#staging.set(embeddingKey, done);
    const forget = (): void => {
      if (this.#staging.get(embeddingKey) === done) this.#staging.delete(embeddingKey);
    };
    done.then(forget, forget);
    return done;
  }
}

/** An encoder that is gone holds nothing any more: the picture is uploaded again, somewhere else. */
function missOfLostEncoder(error: unknown): undefined {
  if (error instanceof ServingError && error.code === 'UNAVAILABLE') return undefined;
  throw error;
}
