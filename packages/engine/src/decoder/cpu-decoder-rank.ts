import type {
  DecoderDescription,
  DecoderEngine,
  EmbeddingKey,
  SequenceOutput,
  StagedEmbedding,
  StepPlan,
  StepResult,
} from '@tessera/domain';
import { type EngineManifest, readManifest, rowTile } from '@tessera/onnx-graph';
import type { PagedAttention } from '../attention/paged-attention.js';
import { type Closable, closeAll, closingOnFailure } from '../close-all.js';
import type { Collective } from '../collective/collective.js';
import { createRowSession } from '../ort/row-session.js';
import { sampleRows, type VocabSlice } from '../sampler/sample-rows.js';
import type { SamplingRow } from '../sampler/sampling-row.js';
import { captureStep } from './capture-step.js';
import { DecoderHead, type HeadRow, selectHeadRows } from './decoder-head.js';
import { createDecoderLayers, type DecoderLayers } from './decoder-layers.js';
import { createAttention, type DecoderOptions, describeDecoder } from './decoder-options.js';
import { EmbeddingTable } from './embedding-table.js';
import type { Lane } from './lane.js';
import { LaneTable } from './lane-table.js';
import { StagedEmbeddings } from './staged-embeddings.js';
import { createStepBatch, type StepBatch } from './step-batch.js';
import { Stopwatch } from './stopwatch.js';

interface RankParts {
  readonly manifest: EngineManifest;
  readonly collective: Collective;
  readonly attention: PagedAttention;
  readonly layers: DecoderLayers;
  readonly head: DecoderHead;
  readonly embeddings: EmbeddingTable;
  readonly vocab: VocabSlice;
  readonly description: DecoderDescription;
}

/** One decoder rank on the CPU. With several ranks, all must be given the same calls in the same order. */
export class CpuDecoderRank implements DecoderEngine {
  readonly description: DecoderDescription;
  readonly #parts: RankParts;
  readonly #lanes: LaneTable;
  readonly #staged: StagedEmbeddings;

  private constructor(parts: RankParts) {
    this.#parts = parts;
    this.description = parts.description;
    this.#lanes = new LaneTable(parts.description);
    this.#staged = new StagedEmbeddings(parts.description.hiddenSize);
  }

  /** Throws `engine_invalid` and `invalid_option`; nothing stays open then. */
  static create(engineDir: string, options: DecoderOptions, collective: Collective): Promise<CpuDecoderRank> {
    return closingOnFailure(async (keep) => new CpuDecoderRank(await openParts(engineDir, options, collective, keep)));
  }

  async stage(embedding: StagedEmbedding): Promise<void> {
    this.#staged.stage(embedding);
  }

  async unstage(embeddingKey: EmbeddingKey): Promise<void> {
    this.#staged.unstage(embeddingKey);
  }

  /** Drops all sequences and staged embeddings; pages keep what they hold. No step may be running. */
  async reset(): Promise<void> {
    this.#lanes.clear();
    this.#staged.clear();
  }

  async step(plan: StepPlan): Promise<StepResult> {
    const stopwatch = new Stopwatch();
    const { layers, head, collective } = this.#parts;
    const { capture } = plan;
    for (const lane of plan.released) this.#lanes.release(lane);
    for (const sequence of plan.admitted) this.#lanes.admit(sequence);
    if (plan.chunks.length === 0) return { stepId: plan.stepId, outputs: [], spent: stopwatch.times };
    const batch = this.#createBatch(plan);
    const residuals: Float32Array[] = [];
    const keepResidual = capture?.hidden ? (x: Float32Array) => residuals.push(Float32Array.from(x)) : undefined;
    const residual = await layers.run(batch, stopwatch, keepResidual);
    const headRows = selectHeadRows(batch, capture?.logits === 'all', (i) => {
      return batch.chunks[i].chunk.samples || capture?.hidden === true;
    });
    const headOutput = await stopwatch.time('matmulMs', () => head.run(residual, headRows, capture?.hidden === true));
    for (const { lane, span } of batch.chunks) lane.advance(span.numRows);
    const outputs = await stopwatch.time('samplingMs', () => this.#sample(plan, batch, headRows, headOutput.logits));
    const { hiddenSize } = this.description;
    const captured =
      capture && (await captureStep(capture, { batch, residuals, headRows, head: headOutput, hiddenSize }, collective));
    return { stepId: plan.stepId, outputs, spent: stopwatch.times, captured };
  }

  close(): Promise<void> {
    const { embeddings, attention, layers, head } = this.#parts;
    return closeAll([embeddings, attention, layers, head]);
  }

  #createBatch(plan: StepPlan): StepBatch {
    const { manifest, embeddings } = this.#parts;
    return createStepBatch(this.#lanes.begin(plan.chunks), {
      text: manifest.config.text,
      embeddings,
      staged: this.#staged,
    });
  }

  /**
   * Samples the last row of every chunk that asks for it and appends the tokens to their lanes. A row without a token
   * to choose, such as one that is not of numbers, fails its sequence alone: its entry has no token.
   */
  async #sample(
    { capture }: StepPlan,
    batch: StepBatch,
    headRows: readonly HeadRow[],
    logits: Float32Array,
  ): Promise<SequenceOutput[]> {
    const { vocab, collective } = this.#parts;
    const sampled = headRows.flatMap((headRow, i) => {
      const { chunk, lane, span } = batch.chunks[headRow.chunkIndex];
      const isLast = headRow.row === span.firstRow + span.numRows - 1;
      return chunk.samples && isLast ? [{ laneId: chunk.lane, lane, headIndex: i }] : [];
    });
    const rows = sampled.map(({ lane }) => samplingRow(lane));
    const rowLogits = sampled.map(({ headIndex }) =>
      logits.subarray(headIndex * vocab.length, (headIndex + 1) * vocab.length),
    );
    const choices = await sampleRows(rows, rowLogits, vocab, collective);
    return sampled.map(({ laneId, lane }, i) => {
      const choice = choices[i];
      if (!choice) return { sequenceId: lane.sequenceId, lane: laneId, tokens: [] };
      const { decisionMargin, ...token } = choice;
      const outputIndex = lane.numOutputTokens;
      lane.append(token.tokenId);
      const margin = capture?.margins ? { decisionMargin } : {};
      return { sequenceId: lane.sequenceId, lane: laneId, tokens: [{ ...token, outputIndex, ...margin }] };
    });
  }
}

function samplingRow(lane: Lane): SamplingRow {
  return {
    params: lane.sampling,
    position: lane.numTokens,
    numOutputTokens: lane.numOutputTokens,
    promptIds: lane.promptIds,
    outputCounts: lane.outputCounts,
  };
}

async function openParts(
  engineDir: string,
  options: DecoderOptions,
  collective: Collective,
  keep: <Part extends Closable>(part: Part) => Part,
): Promise<RankParts> {
  const manifest = await readManifest(engineDir);
  const { text } = manifest.config;
  const { rank } = collective;
  const { shard, graphs } = manifest.decoder.ranks[rank];
  const { numThreads, isDeterministic } = options;
  const sessionOptions = { numThreads, rowTile: isDeterministic ? rowTile : undefined };
  const embeddings = keep(new EmbeddingTable(engineDir, manifest));
  const attention = keep(createAttention(text, shard, options));
  const layers = keep(await createDecoderLayers({ engineDir, manifest, rank, attention, collective, sessionOptions }));
  const headSession = await createRowSession(engineDir, graphs[graphs.length - 1], sessionOptions);
  return {
    manifest,
    collective,
    attention,
    layers,
    head: keep(new DecoderHead(headSession, text.hiddenSize)),
    embeddings,
    vocab: { offset: shard.vocab.start, length: shard.vocab.end - shard.vocab.start, numTokens: options.numTokens },
    description: describeDecoder(manifest, attention, options),
  };
}
