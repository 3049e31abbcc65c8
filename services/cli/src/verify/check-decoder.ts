import type { CapturedChunk, DecoderEngine, StepCapture } from '@tessera/domain';
import { concatFloats } from './concat-floats.js';
import { type DriveOptions, driveLanes, type LaneRun } from './forced-decoding.js';
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
type Rows = 'sampled' | 'all';

/** What both ways of running leave behind; logits of all rows only where the reference has them. */
const captures: Readonly<Record<Rows, StepCapture>> = {
  sampled: { logits: 'sampled', hidden: true },
  all: { logits: 'all', hidden: true, inputEmbeds: true },
};

/**
 * Rungs 7 to 9. Every case answers by itself; as long as it takes the reference's tokens that is the teacher-forced
 * run too. Cases that took others, and those whose every prompt row is known, run again with the tokens forced.
 */
export async function checkDecoder(
  decoder: DecoderEngine,
  cases: readonly StagedCase[],
  { chunkLen, batchSize, label }: DecoderCheck,
  report: VerifyReport,
): Promise<void> {
  const run = (decode: DriveOptions['decode'], rows: Rows, batch: readonly StagedCase[]): Promise<LaneRun[]> =>
    runBatch(decoder, batch, { chunkLen, decode, capture: captures[rows] });
  const forced = new Set(cases.filter(({ tensors }) => tensors.has('logits_all') || tensors.has('inputs_embeds')));
  for (const batch of fullBatches(cases, batchSize)) {
    for (const [i, { sampled, captured }] of (await run('sampled', 'sampled', batch)).entries()) {
      const golden = batch[i];
      const subject = `${golden.name}, ${label}`;
      const tokenIds = sampled.map((token) => token.tokenId);
      const isEqual = report.equal('9 greedy_tokens', subject, tokenIds, golden.record.greedy_tokens);
      if (isEqual) compareFloats(captured, 'sampled', golden, subject, report);
      else forced.add(golden);
    }
  }
  for (const batch of fullBatches([...forced], batchSize)) {
    for (const [i, { captured }] of (await run('forced', 'all', batch)).entries()) {
      compareFloats(captured, 'all', batch[i], `${batch[i].name}, ${label}, forced`, report);
    }
  }
}

async function runBatch(
  decoder: DecoderEngine,
  batch: readonly StagedCase[],
  options: DriveOptions,
): Promise<LaneRun[]> {
  const runs = batch.map(({ name, record, visuals }) => ({ name, record, visuals, captured: [], sampled: [] }));
  await driveLanes(decoder, runs, options);
  return runs;
}

/** Batches of exactly `batchSize`, the last one filled up with cases from the front. */
function fullBatches(cases: readonly StagedCase[], batchSize: number): StagedCase[][] {
  const numBatches = Math.ceil(cases.length / batchSize);
  return Array.from({ length: numBatches }, (_, batch) =>
    Array.from({ length: batchSize }, (_, i) => cases[(batch * batchSize + i) % cases.length]),
  );
}

function compareFloats(
  captured: readonly CapturedChunk[],
  rows: Rows,
  { tensors, record }: GoldenCase,
  subject: string,
  report: VerifyReport,
): void {
  const compare = (rung: string, name: string, actual: Float32Array | undefined, tolerance: number): void => {
    const expected = tensors.get(name);
    if (expected) report.close(`${rung} ${name}`, subject, actual ?? new Float32Array(), expected, tolerance);
  };
  const numPromptChunks = captured.length - (record.greedy_tokens.length - 1);
  const prompt = captured.slice(0, numPromptChunks);
  const last = prompt[prompt.length - 1];
  const promptLogits = join(prompt, 'logits');
  const numRows = rows === 'all' ? record.input_ids.length : 1;
  const lastLogits = promptLogits.subarray(promptLogits.length - promptLogits.length / numRows);
  if (rows === 'all') {
    compare('7', 'inputs_embeds', join(prompt, 'inputEmbeds'), tolerances.inputsEmbeds);
    compare('7', 'logits_all', promptLogits, tolerances.logits);
  }
  compare('7', 'hidden_layers', last.hiddenLayers, tolerances.hidden);
  compare('7', 'hidden_final_norm', last.hiddenFinalNorm, tolerances.hidden);
  compare('7', 'logits_last', lastLogits, tolerances.logits);
  const decodeLogits = concatFloats([lastLogits, join(captured.slice(numPromptChunks), 'logits')]);
  compare('8', 'decode_logits', decodeLogits, tolerances.decodeLogits);
}

function join(chunks: readonly CapturedChunk[], name: 'logits' | 'inputEmbeds'): Float32Array {
  return concatFloats(chunks.map((chunk) => chunk[name] as Float32Array));
}
