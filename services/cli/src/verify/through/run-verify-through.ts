import { randomUUID } from 'node:crypto';
import { loadProcessor } from '@tessera/onnx-graph';
import { GoldenFolder } from '../golden-folder.js';
import type { VerifyReport } from '../verify-report.js';
import { type ServedCase, ServedCaseCheck, type ServedRun } from './check-served-case.js';
import { conversationFields } from './conversation-fields.js';
import { Divergences } from './divergences.js';
import { findServedCheckpoint } from './find-served-checkpoint.js';
import type { ServedStep } from './served-answer.js';
import { ServedApi } from './served-api.js';

export interface VerifyThroughOptions {
  /** Of the server, without a path. */
  readonly url: string;
  /** The served model's id; the server's own when undefined. */
  readonly model: string | undefined;
  /** Cases that run at once. */
  readonly numAtOnce: number;
  /** Times that every case runs; more than once only where there is a prefix cache, in which it must then be found. */
  readonly numRuns: number;
  /** Names the part that is being checked. */
  readonly onProgress: (what: string) => void;
}

/**
 * Asks a running server the text and image cases of the checkpoint that it serves, and compares ids, tokens and
 * log-probabilities with the reference: first alone, then many at once, with an empty prefix cache and a filled one.
 * Throws ServingError when the server cannot be asked or serves something else; what else breaks is a failure in the
 * report. Returns what is to be said beside it.
 */
export async function runVerifyThrough(
  dir: string,
  { url, model, numAtOnce, numRuns, onProgress }: VerifyThroughOptions,
  report: VerifyReport,
): Promise<string[]> {
  const folder = new GoldenFolder(dir);
  const api = new ServedApi(url, model);
  const divergences = new Divergences();
  const checkpoint = await findServedCheckpoint(folder, api);
  const processor = await loadProcessor(folder.path('checkpoints', checkpoint));
  const check = new ServedCaseCheck(api, processor, report, divergences);
  const cases = await readCases(folder, checkpoint, report);
  const salt = randomUUID();
  onProgress(`${checkpoint}: alone`);
  const alone = await runAlone(cases, check, { salt: `${salt} alone`, isRepeated: numRuns > 1 }, report);
  for (let index = 0; index < numRuns; index++) {
    const label = `${numAtOnce} at once, run ${index + 1}`;
    onProgress(`${checkpoint}: ${label}`);
    const run: ServedRun = { label, salt, isCached: index === 0 ? false : 'maybe' };
    await eachOf(cases, numAtOnce, (golden) =>
      report.attempt('9 answer', `${golden.name}, ${label}`, async () => {
        await check.checkGreedy(golden, run);
        await check.checkSampled(golden, run, alone.get(golden.name));
      }),
    );
  }
  return [...check.formatRepeated(), ...divergences.format()];
}

/** The answers that others are compared with, by case: while nothing else runs and nothing is cached. */
async function runAlone(
  cases: readonly ServedCase[],
  check: ServedCaseCheck,
  { salt, isRepeated }: { readonly salt: string; readonly isRepeated: boolean },
  report: VerifyReport,
): Promise<ReadonlyMap<string, ServedStep[]>> {
  const answers = new Map<string, ServedStep[]>();
  await eachOf(cases, 1, (golden) =>
    report.attempt('9 answer', `${golden.name}, alone`, async () => {
      await check.checkPrompt(golden);
      const steps = await check.checkSampled(golden, { label: 'alone', salt, isCached: false });
      answers.set(golden.name, steps);
      if (isRepeated) await check.checkSampled(golden, { label: 'alone, again', salt, isCached: true }, steps);
    }),
  );
  return answers;
}

/** Cases without a video, which no request may have. */
async function readCases(folder: GoldenFolder, checkpoint: string, report: VerifyReport): Promise<ServedCase[]> {
  const cases: ServedCase[] = [];
  for (const golden of await folder.cases(checkpoint)) {
    const name = `${checkpoint}/${golden.name}`;
    if (golden.record.media.some(({ kind }) => kind === 'video')) {
      report.notApplicable.push({ subject: name, reason: 'requests with a video are not served' });
      continue;
    }
    await report.attempt('4 conversation', name, async () => {
      cases.push({ ...golden, name, conversation: await conversationFields(folder, golden.record) });
    });
  }
  return cases;
}

/** Works on all items, so many at once. */
async function eachOf<Item>(
  items: readonly Item[],
  numAtOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: numAtOnce }, worker));
}
