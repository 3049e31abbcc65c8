import type { CapturedChunk, DecoderEngine } from '@tessera/domain';
import { concatFloats } from './concat-floats.js';
import { driveLanes, type LaneRun } from './forced-decoding.js';
import type { GoldenCase } from './golden-folder.js';
import type { VerifyReport } from './verify-report.js';

/** Absolute tolerances of the data's README. */
const tolerances = { inputsEmbeds: 5e-5, hidden: 1e-4, logits: 1e-4, decodeLogits: 2e-4 };

export interface DecoderCheck {
  readonly chunkLen: number;
  /** Cases that run together. */
  readonly batchSize: number;
  /** What tells this combination apart in the report. */
  readonly label: string;
}

type StagedCase = GoldenCase & Pick<LaneRun, 'visuals'>;

/** Rungs 7 to 9: teacher-forced hidden states and logits, then the model's own greedy tokens. */
export async function checkDecoder(
  decoder: DecoderEngine,
  cases: readonly StagedCase[],
  { chunkLen, batchSize, label }: DecoderCheck,
  report: VerifyReport,
): Promise<void> {
  for (const batch of fullBatches(cases, batchSize)) {
    const forced = batch.map(startRun);
    const capture = { logits: 'all', hidden: true, inputEmbeds: true } as const;
    await driveLanes(decoder, forced, { chunkLen, decode: 'forced', capture });
    const sampled = batch.map(startRun);
    await driveLanes(decoder, sampled, { chunkLen, decode: 'sampled', capture: {} });
    for (const [i, golden] of batch.entries()) {
      const subject = `${golden.name}, ${label}`;
      compareForced(forced[i], golden, subject, report);
      report.equal(
        '9 greedy_tokens',
        subject,
        sampled[i].sampled.map((t) => t.tokenId),
        golden.record.greedy_tokens,
      );
    }
  }
}

/** Batches of exactly `batchSize`, the last one filled up with cases from the front. */
function fullBatches(cases: readonly StagedCase[], batchSize: number): StagedCase[][] {
  const numBatches = Math.ceil(cases.length / batchSize);
  return Array.from({ length: numBatches }, (_, batch) =>
    Array.from({ length: batchSize }, (_, i) => cases[(batch * batchSize + i) % cases.length]),
  );
}

function startRun({ name, record, visuals }: StagedCase): LaneRun {
  return { name, record, visuals, captured: [], sampled: [] };
}

function compareForced(run: LaneRun, { tensors, record }: GoldenCase, subject: string, report: VerifyReport): void {
  const compare = (rung: string, name: string, actual: Float32Array, tolerance: number): void => {
    const expected = tensors.get(name);
    if (expected) report.close(`${rung} ${name}`, subject, actual, expected, tolerance);
  };
  const numDecoded = record.greedy_tokens.length - 1;
  const prompt = run.captured.slice(0, -numDecoded || undefined);
  const decoded = numDecoded > 0 ? run.captured.slice(-numDecoded) : [];
  const promptLogits = join(prompt, (chunk) => chunk.logits);
  const vocabSize = promptLogits.length / record.input_ids.length;
  const lastLogits = promptLogits.slice(-vocabSize);
  const last = prompt[prompt.length - 1];
  compare(
    '7',
    'inputs_embeds',
    join(prompt, (chunk) => chunk.inputEmbeds),
    tolerances.inputsEmbeds,
  );
  compare('7', 'hidden_layers', last.hiddenLayers as Float32Array, tolerances.hidden);
  compare('7', 'hidden_final_norm', last.hiddenFinalNorm as Float32Array, tolerances.hidden);
  compare('7', 'logits_last', lastLogits, tolerances.logits);
  compare('7', 'logits_all', promptLogits, tolerances.logits);
  const decodeLogits = join([{ lane: last.lane, logits: lastLogits }, ...decoded], (chunk) => chunk.logits);
  compare('8', 'decode_logits', decodeLogits, tolerances.decodeLogits);
}

function join(
  chunks: readonly CapturedChunk[],
  pick: (chunk: CapturedChunk) => Float32Array | undefined,
): Float32Array {
  return concatFloats(chunks.map((chunk) => pick(chunk) as Float32Array));
}
