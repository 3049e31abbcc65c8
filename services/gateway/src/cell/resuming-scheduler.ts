import { type Request, type SampledToken, ServingError } from '@tessera/domain';
import type { Cell } from './cell.js';
import { Patience, type PatienceOptions } from './patience.js';
import { type AnswerEvent, runAttempt, type Upload } from './run-attempt.js';

export interface ResumeOptions extends Pick<PatienceOptions, 'resumeMs' | 'random'> {
  /** Told of every attempt that came to nothing and will be followed by another. */
  onInterrupted(request: Request, cause: ServingError): void;
}

/** The cell as one scheduler that outlives those it consists of. */
export interface ResumingScheduler {
  /**
   * Runs a request at the leader of the moment. One that is interrupted by a scheduler or a worker that fails is
   * submitted again with all tokens received so far, to whoever leads then, until its deadline or `resumeMs` without a
   * new token; then the last error is thrown. Every token comes once, in order: an `outputIndex` seen before is
   * dropped, one that leaves a gap is a ServingError `internal`. Leaving early frees what the request holds.
   */
  generate(request: Request, upload: Upload, signal: AbortSignal): AsyncGenerator<AnswerEvent>;
}

export function createResumingScheduler(
  cell: Pick<Cell, 'whenLed' | 'refresh'>,
  options: ResumeOptions,
): ResumingScheduler {
  return { generate: (request, upload, signal) => generate(request, upload, signal, { ...options, cell }) };
}

interface ResumeDeps extends ResumeOptions {
  readonly cell: Pick<Cell, 'whenLed' | 'refresh'>;
}

async function* generate(
  request: Request,
  upload: Upload,
  signal: AbortSignal,
  { cell, ...options }: ResumeDeps,
): AsyncGenerator<AnswerEvent> {
  const patience = new Patience({ ...options, deadlineMs: request.deadlineMs });
  const received = [...request.resumeTokens];
  for (let attempt = request; ; attempt = nextAttempt(attempt, received)) {
    try {
      const leader = await patience.spend((limitMs) => cell.whenLed(request.modelRevision, limitMs, signal));
      for await (const event of runAttempt(leader, attempt, upload, signal)) {
        if (event.kind !== 'tokens') {
          yield event;
          continue;
        }
        const tokens = takeNew(event.tokens, received);
        if (tokens.length === 0) continue;
        patience.restore();
        yield { kind: 'tokens', tokens };
      }
      return;
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof ServingError) || !isPassing(cause, attempt)) throw cause;
      cell.refresh();
      await patience.pauseAfter(toldOf(cause), signal);
      options.onInterrupted(attempt, cause);
    }
  }
}

function nextAttempt(last: Request, received: readonly number[]): Request {
  return Object.freeze({ ...last, attempt: last.attempt + 1, resumeTokens: [...received] });
}

/** Whether another attempt may do better. Who was admitted once is not sent away by a queue that others filled. */
function isPassing({ code, reason }: ServingError, { attempt }: Request): boolean {
  return code === 'UNAVAILABLE' || reason === 'not_leader' || (reason === 'queue_full' && attempt > 0);
}

/** The tokens that follow those received, which they join. */
function takeNew(tokens: readonly SampledToken[], received: number[]): SampledToken[] {
  const taken: SampledToken[] = [];
  for (const token of tokens) {
    const { tokenId, outputIndex } = token;
    if (outputIndex < received.length) continue;
    if (outputIndex > received.length) {
      throw new ServingError('internal', `token ${outputIndex} came where ${received.length} was due`);
    }
    received.push(tokenId);
    taken.push(token);
  }
  return taken;
}

/** The error for the client, should it be the last: which scheduler leads is none of its business. */
function toldOf(cause: ServingError): ServingError {
  if (cause.reason !== 'not_leader') return cause;
  return new ServingError('not_ready', 'no scheduler leads', { retryAfterSeconds: 1 }, { cause });
}
