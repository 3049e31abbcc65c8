import {
  type DecoderDescription,
  type DecoderEngine,
  type EmbeddingKey,
  ServingError,
  type StagedEmbedding,
  type StepPlan,
  type StepResult,
} from '@tessera/domain';
import { readManifest } from '@tessera/onnx-graph';
import { closeAll, closingOnFailure } from '../close-all.js';
import { createLocalGroup, type LocalGroup } from '../collective/local-collective.js';
import { CpuDecoderRank } from './cpu-decoder-rank.js';
import type { DecoderOptions } from './decoder-options.js';

/** All ranks of a group in this thread; the plainest form of tensor parallelism and the oracle of the others. */
export class LocalRankGroup implements DecoderEngine {
  readonly #ranks: readonly CpuDecoderRank[];
  readonly #group: LocalGroup;

  private constructor(ranks: readonly CpuDecoderRank[], group: LocalGroup) {
    this.#ranks = ranks;
    this.#group = group;
  }

  /** Throws `engine_invalid` and `invalid_option`; nothing stays open then. */
  static async create(engineDir: string, options: DecoderOptions): Promise<LocalRankGroup> {
    const { numRanks } = (await readManifest(engineDir)).options;
    const group = createLocalGroup(numRanks);
    // The ranks share this thread and take turns on it: helper threads of each would only be in each other's way.
    const rankOptions = numRanks === 1 ? options : { ...options, numAttentionThreads: 1 };
    return closingOnFailure(async (keep) => {
      const ranks: CpuDecoderRank[] = [];
      for (const collective of group.collectives)
        ranks.push(keep(await CpuDecoderRank.create(engineDir, rankOptions, collective)));
      return new LocalRankGroup(ranks, group);
    });
  }

  get description(): DecoderDescription {
    return this.#ranks[0].description;
  }

  async stage(embedding: StagedEmbedding): Promise<void> {
    await Promise.all(this.#ranks.map((rank) => rank.stage(embedding)));
  }

  async unstage(embeddingKey: EmbeddingKey): Promise<void> {
    await Promise.all(this.#ranks.map((rank) => rank.unstage(embeddingKey)));
  }

  /** Drops all sequences and staged embeddings; pages keep what they hold. No step may be running. */
  async reset(): Promise<void> {
    await Promise.all(this.#ranks.map((rank) => rank.reset()));
  }

  async step(plan: StepPlan): Promise<StepResult> {
    const [first, ...others] = await this.#stepAll(plan);
    for (const [i, other] of others.entries()) assertSameTokens(first, other, i + 1);
    return first;
  }

  /** A rank that fails fails the others where they wait for it; no rank is left inside the step. */
  async #stepAll(plan: StepPlan): Promise<StepResult[]> {
    let failure: { readonly error: unknown } | undefined;
    const steps = this.#ranks.map((rank) =>
      rank.step(plan).catch((error: unknown) => {
        failure ??= { error };
        this.#group.fail(error);
      }),
    );
    const results = await Promise.all(steps);
    this.#group.reset();
    if (failure) throw failure.error;
    return results as StepResult[];
  }

  close(): Promise<void> {
    return closeAll(this.#ranks);
  }
}

function assertSameTokens(first: StepResult, other: StepResult, rank: number): void {
  const tokensOf = ({ outputs }: StepResult): string =>
    outputs.map(({ lane, tokens }) => `${lane}:${tokens.map(({ tokenId }) => tokenId)}`).join();
  if (tokensOf(first) === tokensOf(other)) return;
  throw new ServingError('internal', `Rank ${rank} sampled ${tokensOf(other)}, rank 0 ${tokensOf(first)}.`);
}
