import type { Processor } from '@tessera/qwen2-5-vl';
import type { GoldenCase } from '../golden-folder.js';
import type { VerifyReport } from '../verify-report.js';
import { type Divergences, marginBetween } from './divergences.js';
import { expectedLogprobs, logitRows } from './expected-logprobs.js';
import { type ServedStep, stepsOf, tokenKey } from './served-answer.js';
import type { ChatFields, ServedApi, ServedCompletion } from './served-api.js';

/** Of log-probabilities: that of the logits they come from. */
const tolerance = 2e-4;
/** As many as a request may ask for. */
const numTop = 20;
/** Positions a page: the prefix of a longer prompt has a page that can be found again. */
const pageLen = 16;
const seed = 20_250;

export interface ServedCase extends GoldenCase {
  readonly conversation: ChatFields;
}

/** One way in which cases are run. */
export interface ServedRun {
  /** What tells it apart in the report. */
  readonly label: string;
  /** Requests with another one share nothing in the prefix cache. */
  readonly salt: string;
  /** Whether prompts must be found there: `maybe` when it depends on what else runs in which rank group. */
  readonly isCached: boolean | 'maybe';
}

/** Compares what a server answers to a case with the reference, and one run with another. */
export class ServedCaseCheck {
  readonly #api: ServedApi;
  readonly #processor: Processor;
  readonly #report: VerifyReport;
  readonly #divergences: Divergences;
  readonly #repeated = { found: 0, missed: 0 };

  constructor(api: ServedApi, processor: Processor, report: VerifyReport, divergences: Divergences) {
    this.#api = api;
    this.#processor = processor;
    this.#report = report;
    this.#divergences = divergences;
  }

  /** A line that says how often prompts were found that only may be; none when none was asked. */
  formatRepeated(): string[] {
    const { found, missed } = this.#repeated;
    const numAsked = found + missed;
    return numAsked === 0 ? [] : [`prefix cache: ${found} of ${numAsked} prompts asked again at once were found`];
  }

  async checkPrompt({ name, record, conversation }: ServedCase): Promise<void> {
    this.#report.equal('4 input_ids', name, await this.#api.tokenize(conversation), record.input_ids);
  }

  /** Greedy tokens, text, log-probabilities and usage against the reference. */
  async checkGreedy(golden: ServedCase, run: ServedRun): Promise<void> {
    const { record, name } = golden;
    const { tokenizer } = this.#processor;
    const subject = `${name}, ${run.label}`;
    const fields = { temperature: 0, cache_salt: `${run.salt} greedy ${name}` };
    const completion = await this.#answer(golden, fields);
    const steps = stepsOf(completion);
    const tokens = {
      actual: steps.map(({ token }) => token),
      expected: record.greedy_tokens.map((id) => tokenKey(tokenizer.tokenBytes(id))),
    };
    const place = { rung: '9 greedy_tokens', subject };
    const numSame = this.#divergences.compare(tokens, (step) => record.margins[step], place, this.#report);
    if (numSame === tokens.expected.length) {
      this.#report.equal('9 greedy_text', subject, completion.choices[0].message.content, record.greedy_text);
    }
    // The step in which they differ still has the same prefix.
    this.#compareLogprobs(steps.slice(0, numSame + 1), golden, subject);
    this.#checkUsage(golden, completion, run, subject);
  }

  /** Samples with a seed; the answer is to be that of `before`, whatever else runs and is cached. */
  async checkSampled(golden: ServedCase, run: ServedRun, before?: readonly ServedStep[]): Promise<ServedStep[]> {
    const subject = `${golden.name}, ${run.label}`;
    // Only tokens whose probability is told may be chosen, so that how a choice was made can be told.
    const sampling = { temperature: 1, top_k: numTop, seed, cache_salt: `${run.salt} sampled ${golden.name}` };
    const completion = await this.#answer(golden, sampling);
    const steps = stepsOf(completion);
    this.#checkUsage(golden, completion, run, `${subject}, sampled`);
    if (!before) return steps;
    const tokens = { actual: steps.map(({ token }) => token), expected: before.map(({ token }) => token) };
    const marginAt = (step: number): number => marginBetween(steps[step], before[step]);
    this.#divergences.compare(tokens, marginAt, { rung: '9 sampled_tokens', subject }, this.#report);
    return steps;
  }

  #answer({ conversation, record }: ServedCase, sampling: ChatFields): Promise<ServedCompletion> {
    return this.#api.complete({
      ...conversation,
      ...neutralSampling,
      max_tokens: record.greedy_tokens.length,
      logprobs: true,
      top_logprobs: numTop,
      ...sampling,
    });
  }

  /** Each of the most probable tokens against itself and against what has its rank, as far as the reference goes. */
  #compareLogprobs(steps: readonly ServedStep[], golden: ServedCase, subject: string): void {
    const expected = expectedLogprobs(logitRows(golden), this.#processor.tokenizer, numTop);
    const pairs = expected.slice(0, steps.length).flatMap(({ of, best }, i) => {
      const { token, logprob, top } = steps[i];
      const scores = [...top, [token, logprob] as const];
      return [
        ...scores.map(([key, value]) => [value, of.get(key) ?? Number.NaN]),
        ...best.map((value, rank) => [top[rank]?.[1] ?? Number.NaN, value]),
      ];
    });
    if (pairs.length === 0) return;
    const [actual, wanted] = [0, 1].map((side) => pairs.map((pair) => pair[side]));
    this.#report.close('8 top_logprobs', subject, actual, wanted, tolerance);
  }

  #checkUsage({ record }: ServedCase, { usage, choices }: ServedCompletion, { isCached }: ServedRun, subject: string) {
    const { prompt_tokens, completion_tokens, prompt_tokens_details: details } = usage;
    const numImageTokens = record.media.reduce((sum, { tokens }) => sum + tokens, 0);
    this.#report.equal(
      '9 usage',
      subject,
      [prompt_tokens, details.image_tokens, completion_tokens, choices[0].finish_reason],
      [record.input_ids.length, numImageTokens, record.greedy_tokens.length, 'length'],
    );
    const [isFound, canBeFound] = [details.cached_tokens > 0, record.input_ids.length > pageLen];
    if (isCached !== 'maybe') this.#report.equal('9 cached_tokens', subject, isFound, isCached && canBeFound);
    else if (canBeFound) this.#repeated[isFound ? 'found' : 'missed']++;
  }
}

/** Nothing of a checkpoint's own sampling, and stop tokens are tokens like others, as in the reference. */
const neutralSampling: ChatFields = {
  top_p: 1,
  top_k: 0,
  min_p: 0,
  repetition_penalty: 1,
  ignore_eos: true,
  skip_special_tokens: false,
};
