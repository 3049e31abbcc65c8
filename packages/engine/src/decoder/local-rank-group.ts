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
import { singleRank } from '../collective/collective.js';
import { createLocalCollectives } from '../collective/local-collective.js';
import { CpuDecoderRank } from './cpu-decoder-rank.js';
import type { DecoderOptions } from './decoder-options.js';

/** All ranks of a group in this thread; the plainest form of tensor parallelism and the oracle of the others. */
export class LocalRankGroup implements DecoderEngine {
  readonly #ranks: readonly CpuDecoderRank[];

  private constructor(ranks: readonly CpuDecoderRank[]) {
    this.#ranks = ranks;
  }

  static async create(engineDir: string, options: DecoderOptions): Promise<LocalRankGroup> {
    const { numRanks } = (await readManifest(engineDir)).options;
    const collectives = numRanks === 1 ? [singleRank] : createLocalCollectives(numRanks);
    // The ranks share this thread and take turns on it: helper threads of each would only be in each other's way.
    const rankOptions = numRanks === 1 ? options : { ...options, numAttentionThreads: 1 };
    const ranks: CpuDecoderRank[] = [];
    for (const collective of collectives) ranks.push(await CpuDecoderRank.create(engineDir, rankOptions, collective));
    return new LocalRankGroup(ranks);
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

  async step(plan: StepPlan): Promise<StepResult> {
    const [first, ...others] = await Promise.all(this.#ranks.map((rank) => rank.step(plan)));
    for (const [i, other] of others.entries()) assertSameTokens(first, other, i + 1);
    return first;
  }

  async close(): Promise<void> {
    await Promise.all(this.#ranks.map((rank) => rank.close()));
  }
}

function assertSameTokens(first: StepResult, other: StepResult, rank: number): void {
  const tokensOf = ({ outputs }: StepResult): string =>
    outputs.map(({ lane, tokens }) => `${lane}:${tokens.map(({ tokenId }) => tokenId)}`).join();
  if (tokensOf(first) === tokensOf(other)) return;
  throw new ServingError('internal', `Rank ${rank} sampled ${tokensOf(other)}, rank 0 ${tokensOf(first)}.`);
}
