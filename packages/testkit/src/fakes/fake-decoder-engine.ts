import {
  type CapturedChunk,
  type Chunk,
  type DecoderDescription,
  type DecoderEngine,
  type EmbeddingKey,
  type LaneId,
  type SequenceOutput,
  ServingError,
  type StagedEmbedding,
  type StepPlan,
  type StepResult,
} from '@tessera/domain';
import { digestFloats, floatsOf, mixDigest } from './fake-digest.js';
import { fakeChoice, fakeLogits } from './fake-head.js';
import { FakeKvPool } from './fake-kv-pool.js';
import { chunkLen, type FakeLane } from './fake-lane.js';
import { FakeLanes, planError } from './fake-lanes.js';
import { Gate } from './gate.js';

/** A tiny world: four lanes, 16 pages of 4 positions, 8 rows a step, 32 tokens. */
export const fakeDescription: DecoderDescription = Object.freeze({
  modelRevision: 'fake',
  numRanks: 1,
  numLanes: 4,
  maxContextLen: 48,
  maxStepTokens: 8,
  vocabSize: 32,
  hiddenSize: 4,
  kvLayout: { dtype: 'float32', pageLen: 4, numPages: 16, layersPerMemory: 1 },
  isRowInvariant: true,
} as const);

const numLayers = 2;

/**
 * A decoder without a model. A token depends on all that a model's would: the tokens before it, the rows of its
 * visuals, the positions, what the pages of its block table hold, the seed. Plans that break a rule are refused, a
 * failed step spoils the lanes it named, and tests decide when steps wait, fail or find the engine dead.
 */
export class FakeDecoderEngine implements DecoderEngine {
  readonly description: DecoderDescription;
  /** Copies of all plans that came in, refused and failed ones too. */
  readonly plans: StepPlan[] = [];
  /** Every `stage` and `unstage` that came in, in order. */
  readonly stagings: (readonly ['stage' | 'unstage', EmbeddingKey])[] = [];
  readonly steps = new Gate();
  readonly #pool: FakeKvPool;
  readonly #staged = new Map<EmbeddingKey, StagedEmbedding>();
  readonly #unreliable = new Set<LaneId>();
  readonly #stepFailures: Error[] = [];
  readonly #stageFailures: Error[] = [];
  readonly #death: Promise<never>;
  #deathReason: Error | undefined;
  #reportDeath: (reason: Error) => void = () => {};
  #lanes: FakeLanes;
  #last: Promise<unknown> = Promise.resolve();

  constructor(given: Partial<DecoderDescription> = {}) {
    this.description = { ...fakeDescription, ...given };
    this.#pool = new FakeKvPool(this.description.kvLayout);
    this.#lanes = new FakeLanes(this.description);
    this.#death = new Promise((_, reject) => {
      this.#reportDeath = reject;
    });
    // Only calls that are pending when it happens care.
    this.#death.catch(() => {});
  }

  get stagedKeys(): EmbeddingKey[] {
    return [...this.#staged.keys()];
  }

  get numLanesInUse(): number {
    return this.#lanes.numInUse;
  }

  /** Makes the next step that nothing else fails reject with `error`. */
  failNextStep(error: Error = new ServingError('internal', 'The step failed.')): void {
    this.#stepFailures.push(error);
  }

  failNextStage(error: Error = new ServingError('internal', 'The staging failed.')): void {
    this.#stageFailures.push(error);
  }

  /** Rejects all pending and later calls with `worker_failed`. */
  die(): void {
    this.#deathReason = new ServingError('worker_failed', 'The engine thread exited with code 1.');
    this.#reportDeath(this.#deathReason);
  }

  stage(embedding: StagedEmbedding): Promise<void> {
    this.stagings.push(['stage', embedding.embeddingKey]);
    // The caller's buffer is gone from here on, as it is when it moves to another thread.
    const own = structuredClone(embedding, { transfer: [embedding.data.buffer as ArrayBuffer] });
    return this.#enqueue(async () => {
      const failure = this.#stageFailures.shift();
      if (failure) throw failure;
      this.#staged.set(own.embeddingKey, own);
    });
  }

  unstage(embeddingKey: EmbeddingKey): Promise<void> {
    this.stagings.push(['unstage', embeddingKey]);
    return this.#enqueue(async () => {
      this.#staged.delete(embeddingKey);
    });
  }

  step(plan: StepPlan): Promise<StepResult> {
    const own = structuredClone(plan);
    return this.#enqueue(async () => {
      this.plans.push(own);
      await Promise.race([this.steps.pass(), this.#death]);
      return this.#run(own);
    });
  }

  async close(): Promise<void> {
    await this.#last;
    this.die();
  }

  #enqueue<Value>(work: () => Promise<Value>): Promise<Value> {
    const result = this.#last.then(() => {
      if (this.#deathReason) throw this.#deathReason;
      return work();
    });
    this.#last = result.catch(() => {});
    return result;
  }

  #run(plan: StepPlan): StepResult {
    try {
      const failure = this.#stepFailures.shift();
      if (failure) throw failure;
      const lanes = this.#lanes.clone();
      lanes.apply(plan, (lane) => this.#unreliable.has(lane));
      const computed = plan.chunks.map((chunk) => this.#compute(chunk, lanes.get(chunk.lane), plan));
      for (const lane of plan.released) this.#unreliable.delete(lane);
      this.#lanes = lanes;
      return {
        stepId: plan.stepId,
        outputs: computed.flatMap(({ output }) => output ?? []),
        spent: { totalMs: 0, matmulMs: 0, attentionMs: 0, allReduceMs: 0, samplingMs: 0 },
        ...(plan.capture && { captured: computed.map(({ captured }) => captured) }),
      };
    } catch (error) {
      for (const lane of plan.released) this.#unreliable.add(lane);
      for (const { lane } of [...plan.admitted, ...plan.chunks]) this.#unreliable.add(lane);
      throw error;
    }
  }

  #compute(chunk: Chunk, lane: FakeLane, { capture }: StepPlan): { output?: SequenceOutput; captured: CapturedChunk } {
    const end = lane.numComputed + chunkLen(chunk.input);
    const rows: { digest: number; embed: Float32Array }[] = [];
    for (; lane.numComputed < end; lane.numComputed++) rows.push(this.#computeRow(lane, lane.numComputed));
    const { vocabSize, hiddenSize } = this.description;
    const last = rows[rows.length - 1].digest;
    const logitRows = capture?.logits === 'all' ? rows : rows.slice(chunk.samples ? -1 : rows.length);
    const captured: CapturedChunk = {
      lane: chunk.lane,
      ...(capture?.logits && { logits: joinRows(logitRows.map(({ digest }) => fakeLogits(digest, vocabSize))) }),
      ...(capture?.hidden && { hiddenLayers: floatsOf(last, numLayers * hiddenSize) }),
      ...(capture?.hidden && { hiddenFinalNorm: floatsOf(mixDigest(last, 1), hiddenSize) }),
      ...(capture?.inputEmbeds && { inputEmbeds: joinRows(rows.map(({ embed }) => embed)) }),
    };
    if (!chunk.samples) return { captured };
    const { sequenceId, sampling } = lane.admitted;
    if (Number.isNaN(last)) return { output: { sequenceId, lane: chunk.lane, tokens: [] }, captured };
    const choice = fakeChoice(fakeLogits(last, vocabSize), lane.tokenIds.length, sampling);
    const { decisionMargin, ...token } = { ...choice, outputIndex: lane.numOutputTokens };
    lane.tokenIds.push(token.tokenId);
    const sampled = capture?.margins ? { ...token, decisionMargin } : token;
    return { output: { sequenceId, lane: chunk.lane, tokens: [sampled] }, captured };
  }

  /**
   * A row sees the sequence before it only through the pool, as attention does. What is not a number has no digest, nor
   * has anything that sees it.
   */
  #computeRow(lane: FakeLane, index: number): { digest: number; embed: Float32Array } {
    const before = index === 0 ? 0 : this.#pool.read(lane.pages, index - 1);
    if (before === undefined)
      throw planError(`position ${index - 1} of ${lane.admitted.sequenceId} was never computed`);
    const embed = this.#embed(lane, index);
    const words = [digestFloats(embed), ...lane.positionAt(index)];
    const digest = [before, ...embed].some(Number.isNaN) ? Number.NaN : words.reduce(mixDigest, before);
    this.#pool.write(lane.pages, index, digest);
    return { digest, embed };
  }

  #embed(lane: FakeLane, index: number): Float32Array {
    const { hiddenSize } = this.description;
    const visual = lane.visualAt(index);
    if (!visual) return floatsOf(mixDigest(0, lane.tokenIds[index]), hiddenSize);
    const staged = this.#staged.get(visual.embeddingKey);
    if (staged?.numTokens !== visual.length) throw planError(`${visual.embeddingKey} is not staged`);
    const row = index - visual.offset;
    return staged.data.slice(row * hiddenSize, (row + 1) * hiddenSize);
  }
}

function joinRows(rows: readonly Float32Array[]): Float32Array {
  return Float32Array.from(rows.flatMap((row) => [...row]));
}
