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
import { assertSameTokens } from './assert-same-tokens.js';
import type { Command, RankStream, ReplyCase, ReplyValue } from './rank-stream.js';
import { stepPlanToProto } from './step-plan.js';
import type { StepPatience } from './step-prediction.js';
import { stepResultFromProto } from './step-result.js';
import { StepWatch, type WatchedStep } from './step-watch.js';

export interface RemoteGroupParts {
  readonly groupId: string;
  readonly description: DecoderDescription;
  readonly seals: readonly Seal[];
  /** Opened, in rank order. */
  readonly streams: readonly RankStream[];
  readonly patience: StepPatience;
}

/** Time in which a rank that is there says so, whatever its engine does. */
const probeMs = 1_000;

/** Ranks behind gRPC seen as one: all get every command in the same order, none is waited for before the next. */
export class RemoteRankGroup implements RankGroup {
  readonly groupId: string;
  readonly description: DecoderDescription;
  readonly seals: readonly Seal[];
  readonly lost: Promise<Error>;
  readonly #streams: readonly RankStream[];
  readonly #watch: StepWatch;
  /** Stagings under way that nothing was said of since, by their embeddings. */
  readonly #staging = new Map<EmbeddingKey, Command>();

  constructor({ groupId, description, seals, streams, patience }: RemoteGroupParts) {
    this.groupId = groupId;
    this.description = description;
    this.seals = seals;
    this.#streams = streams;
    this.#watch = new StepWatch(patience, (step, limitMs) => void this.#onSilence(step, limitMs));
    this.lost = Promise.race(streams.map(({ ended }) => ended));
    for (const { ended } of streams) void ended.then((reason) => this.#end(reason));
  }

  async stage(embedding: EmbeddingRef): Promise<boolean> {
    const { embeddingKey } = embedding;
    const command: Command = { case: 'stage', value: { ...embedding } };
    this.#staging.set(embeddingKey, command);
    const isLast = () => this.#staging.get(embeddingKey) === command;
    try {
      const replies = await this.#callAll(command, 'staged');
      const isStaged = replies.every((reply) => reply.isStaged);
      // Rows that only some ranks got; what was said of the embedding since is not undone.
      if (!isStaged && isLast()) await this.unstage(embeddingKey);
      return isStaged;
    } finally {
      if (isLast()) this.#staging.delete(embeddingKey);
    }
  }

  async unstage(embeddingKey: EmbeddingKey): Promise<void> {
    this.#staging.delete(embeddingKey);
    await this.#callAll({ case: 'unstage', value: { embeddingKey } }, 'unstaged');
  }

  async step(plan: StepPlan): Promise<StepResult> {
    const step = this.#watch.begin(plan, this.#streams.length);
    let isDone = false;
    try {
      const command: Command = { case: 'plan', value: stepPlanToProto(plan) };
      const replies = await this.#callAll(command, 'result', (rank) => step.silentRanks.delete(rank));
      isDone = true;
      const results = replies.map(stepResultFromProto);
      this.#assertSame(results);
      return results[0];
    } finally {
      this.#watch.end(step, isDone);
    }
  }

  async close(): Promise<void> {
    this.#end(new ServingError('shutting_down', `Group ${this.groupId} was let go.`));
  }

  /**
   * Everybody's answer. Where several ranks fail, the one that failed by itself is believed: others say only that they
   * lost it.
   */
  async #callAll<Case extends ReplyCase>(
    command: Command,
    expected: Case,
    onAnswer: (rank: number) => void = () => {},
  ): Promise<ReplyValue<Case>[]> {
    const calls = this.#streams.map((stream) => stream.call(command, expected).finally(() => onAnswer(stream.rank)));
    const outcomes = await Promise.allSettled(calls);
    const failures = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as ServingError] : [],
    );
    if (failures.length > 0) throw failures.find(isOwnFailure) ?? this.#lose(failures[0]);
    return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<ReplyValue<Case>>).value);
  }

  #assertSame(results: readonly StepResult[]): void {
    try {
      assertSameTokens(this.groupId, results);
    } catch (error) {
      this.#end(error as Error);
      throw error;
    }
  }

  async #onSilence(step: WatchedStep, limitMs: number): Promise<void> {
    const ranks = await this.#findCulprits(step);
    // The last one may have answered the step meanwhile.
    if (step.silentRanks.size === 0) return;
    const message = `Rank ${ranks.join(', ')} of group ${this.groupId} said nothing to step ${step.plan.stepId} for ${Math.round(limitMs)} ms.`;
    this.#end(new ServingError('worker_failed', message, { groupId: this.groupId, rank: ranks[0], limit: limitMs }));
  }

  /** Of the silent ranks, those that are not even there; the others may be waiting for them inside of the step. */
  async #findCulprits({ silentRanks }: WatchedStep): Promise<number[]> {
    const silent = this.#streams.filter(({ rank }) => silentRanks.has(rank));
    const areThere = await Promise.all(silent.map((stream) => stream.isThere(probeMs)));
    const absent = silent.filter((_, i) => !areThere[i]);
    return (absent.length > 0 ? absent : silent).map(({ rank }) => rank);
  }

  /** Ends it for what one rank says of the loss of another. */
  #lose({ message, facts }: ServingError): ServingError {
    const reason = new ServingError('worker_failed', message, { groupId: this.groupId, ...facts });
    this.#end(reason);
    return reason;
  }

  /** One rank less is no group: the others are let go too, and all that is pending rejects. */
  #end(reason: Error): void {
    for (const stream of this.#streams) stream.end(reason);
  }
}

function isOwnFailure({ reason }: ServingError): boolean {
  return reason !== 'worker_failed';
}
