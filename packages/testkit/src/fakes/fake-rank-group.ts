import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type DecoderDescription,
  type EmbeddingKey,
  type EmbeddingRef,
  type RankGroup,
  type Seal,
  ServingError,
  type StepPlan,
  type StepResult,
} from '@tessera/domain';
import { FakeDecoderEngine } from './fake-decoder-engine.js';
import type { FakeEmbeddingStore } from './fake-embedding-store.js';

export interface FakeRankGroupOptions {
  readonly groupId?: string;
  readonly description?: Partial<DecoderDescription>;
  /** What encoders hold, by address; an address that is not there reads as a miss. */
  readonly stores?: ReadonlyMap<string, FakeEmbeddingStore>;
  readonly seals?: readonly Seal[];
}

/** A rank group without ranks: the fake decoder, which gets rows from the stores of encoders. */
export class FakeRankGroup implements RankGroup {
  readonly groupId: string;
  readonly engine: FakeDecoderEngine;
  readonly seals: readonly Seal[];
  readonly lost: Promise<Error>;
  readonly #stores: ReadonlyMap<string, FakeEmbeddingStore>;
  /** The last call about each embedding: those about one run in order. */
  readonly #stagings = new Map<EmbeddingKey, Promise<unknown>>();
  #reportLoss: (error: Error) => void = () => {};
  #loss: Error | undefined;

  constructor({ groupId = 'group', description, stores = new Map(), seals = [] }: FakeRankGroupOptions = {}) {
    this.groupId = groupId;
    this.engine = new FakeDecoderEngine(description);
    this.seals = seals;
    this.#stores = stores;
    this.lost = new Promise((resolve) => {
      this.#reportLoss = resolve;
    });
  }

  get description(): DecoderDescription {
    return this.engine.description;
  }

  /** Everything that is pending or comes later rejects. */
  lose(error: Error = new ServingError('worker_failed', `The group ${this.groupId} is lost.`)): void {
    this.#loss ??= error;
    this.engine.die();
    this.#reportLoss(this.#loss);
  }

  stage({ embeddingKey, encoderAddress }: EmbeddingRef): Promise<boolean> {
    return this.#inOrder(embeddingKey, async () => {
      const embedding = await Promise.race([this.#stores.get(encoderAddress)?.fetch(embeddingKey), this.lost]);
      if (this.#loss) throw this.#loss;
      if (!embedding || embedding instanceof Error) return false;
      await this.engine.stage(embedding);
      return true;
    });
  }

  unstage(embeddingKey: EmbeddingKey): Promise<void> {
    return this.#inOrder(embeddingKey, () => this.engine.unstage(embeddingKey));
  }

  /** The result comes in a later turn of the event loop, as from another process. */
  async step(plan: StepPlan): Promise<StepResult> {
    if (this.#loss) throw this.#loss;
    try {
      return await this.engine.step(plan);
    } finally {
      await nextTurn();
    }
  }

  async close(): Promise<void> {
    this.lose(new ServingError('shutting_down', `The group ${this.groupId} was let go.`));
  }

  #inOrder<Value>(key: EmbeddingKey, work: () => Promise<Value>): Promise<Value> {
    const result = (this.#stagings.get(key) ?? Promise.resolve()).then(work);
    this.#stagings.set(
      key,
      result.catch(() => {}),
    );
    return result;
  }
}
