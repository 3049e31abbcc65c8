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

/** A rank under one leader. A step waits only for the embeddings that its new sequences use, not for other fetches. */
export class LedRank implements RankLease {
  readonly rank: number;
  readonly description: RankDescription;
  readonly seals: readonly Seal[];
  readonly endsWithFailedStep: boolean;
  readonly #parts: LedRankParts;
  /** Stagings and unstagings that are not done, the last of each embedding. */
  readonly #staging = new Map<EmbeddingKey, Promise<unknown>>();
  #handedOver: Promise<unknown> = Promise.resolve();

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

  async step(plan: StepPlan): Promise<StepResult> {
    const isStaged = this.#stagingsOf(plan);
    // The engine runs its calls in order: the next step is handed over while this one runs.
    const running = this.#handedOver.then(async () => {
      await isStaged;
      this.#assertLed();
      return { result: this.#run(plan) };
    });
    this.#handedOver = running;
    return (await running).result;
  }

  #run(plan: StepPlan): Promise<StepResult> {
    const { engine, book, logger, signal } = this.#parts;
    book.begin(plan);
    return engine.step(plan).then(
      (result) => {
        book.end(result);
        return result;
      },
      (error: unknown) => {
        book.end(undefined);
        // What a rank left in a step says is no news once its leader is gone.
        if (!signal.aborted) logger.error({ err: error, stepId: plan.stepId }, 'a step failed');
        throw error;
      },
    );
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

  /** A failed one is the engine's to find. */
  #stagingsOf({ admitted }: StepPlan): Promise<unknown> {
    const keys = admitted.flatMap(({ visuals }) => visuals.map(({ embeddingKey }) => embeddingKey));
    return Promise.allSettled(keys.map((key) => this.#staging.get(key)));
  }
}

/** An encoder that is gone holds nothing any more: the picture is uploaded again, somewhere else. */
function missOfLostEncoder(error: unknown): undefined {
  if (error instanceof ServingError && error.code === 'UNAVAILABLE') return undefined;
  throw error;
}
