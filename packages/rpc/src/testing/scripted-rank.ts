import type { EmbeddingKey, EmbeddingRef, Seal, StepPlan, StepResult } from '@tessera/domain';
import type { RankDescription } from '../decoder/description.js';
import type { LeaderStream, RankClaim, RankHost, RankLease, RankStatus } from '../decoder/rank-host.js';
import { createDescription } from './create-description.js';

export interface RankScript {
  readonly description?: Partial<RankDescription>;
  readonly seals?: readonly Seal[];
  readonly endsWithFailedStep?: boolean;
  readonly onOpen?: (claim: RankClaim) => void | Promise<void>;
  readonly onStage?: (embedding: EmbeddingRef) => boolean | Promise<boolean>;
  readonly onStep?: (plan: StepPlan) => StepResult | Promise<StepResult>;
}

/** The result of a plan that samples token `10 × lane + stepId` for every chunk. */
export function scriptedResult({ stepId, chunks }: StepPlan): StepResult {
  return {
    stepId,
    outputs: chunks.map(({ lane }) => ({
      sequenceId: `sequence-${lane}` as StepResult['outputs'][0]['sequenceId'],
      lane,
      tokens: [{ tokenId: 10 * lane + stepId, outputIndex: 0 }],
    })),
    spent: { totalMs: 1, matmulMs: 0, attentionMs: 0, allReduceMs: 0, samplingMs: 0 },
  };
}

/** A rank that obeys everybody and does what the script says. */
export class ScriptedRank implements RankHost, RankLease {
  readonly rank: number;
  readonly description: RankDescription;
  readonly seals: readonly Seal[];
  readonly endsWithFailedStep: boolean;
  readonly claims: RankClaim[] = [];
  /** Every command that came in, in order. */
  readonly commands: string[] = [];
  readonly #script: RankScript;
  #leader: LeaderStream | undefined;

  constructor(rank: number, script: RankScript = {}) {
    this.rank = rank;
    this.#script = script;
    this.description = createDescription(script.description);
    this.seals = script.seals ?? [];
    this.endsWithFailedStep = script.endsWithFailedStep ?? false;
  }

  /** Of whoever came last. */
  get leader(): LeaderStream {
    if (!this.#leader) throw new Error(`Rank ${this.rank} has no leader.`);
    return this.#leader;
  }

  get status(): RankStatus {
    const claim = this.claims.at(-1);
    const { description, seals, rank } = this;
    return {
      isReady: true,
      epoch: claim?.epoch ?? 0,
      leaderId: claim?.leaderId,
      description,
      seals,
      groupId: 'g',
      rank,
    };
  }

  async open(claim: RankClaim, stream: LeaderStream): Promise<RankLease> {
    this.claims.push(claim);
    this.#leader = stream;
    await this.#script.onOpen?.(claim);
    return this;
  }

  async stage(embedding: EmbeddingRef): Promise<boolean> {
    this.commands.push(`stage ${embedding.embeddingKey} ${embedding.numTokens} ${embedding.encoderAddress}`);
    return (await this.#script.onStage?.(embedding)) ?? true;
  }

  async unstage(embeddingKey: EmbeddingKey): Promise<void> {
    this.commands.push(`unstage ${embeddingKey}`);
  }

  async step(plan: StepPlan): Promise<StepResult> {
    this.commands.push(`step ${plan.stepId}`);
    return (await this.#script.onStep?.(plan)) ?? scriptedResult(plan);
  }
}
