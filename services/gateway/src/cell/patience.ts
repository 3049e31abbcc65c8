import { setTimeout } from 'node:timers/promises';
import { ServingError } from '@tessera/domain';

const firstPauseMs = 100;
const longestPauseMs = 2000;

export interface PatienceOptions {
  /** Time from the first failure in a row to the last attempt; a wait that fails counts from its beginning. */
  readonly resumeMs: number;
  /** Unix time in milliseconds after which nobody wants the answer. */
  readonly deadlineMs: number | undefined;
  /** 0 … 1, spreads the attempts of many requests. Default `Math.random`. */
  readonly random?: () => number;
}

/** How long something that is interrupted is tried again: the more failures in a row, the longer the pauses. */
export class Patience {
  readonly #options: PatienceOptions;
  #numFailures = 0;
  #giveUpAtMs: number | undefined;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** Time left for another attempt. */
  get remainingMs(): number {
    const { resumeMs, deadlineMs = Number.POSITIVE_INFINITY } = this.#options;
    const nowMs = Date.now();
    return Math.max(0, Math.min(this.#giveUpAtMs ?? nowMs + resumeMs, deadlineMs) - nowMs);
  }

  /** What `wait` gives in the time left; when it fails, the waiting was part of the failure. */
  async spend<Result>(wait: (limitMs: number) => Promise<Result>): Promise<Result> {
    const giveUpAtMs = Date.now() + this.#options.resumeMs;
    try {
      return await wait(this.remainingMs);
    } catch (error) {
      this.#giveUpAtMs ??= giveUpAtMs;
      throw error;
    }
  }

  /** It went on: failures before count no more. */
  restore(): void {
    this.#numFailures = 0;
    this.#giveUpAtMs = undefined;
  }

  /**
   * Waits before the next attempt, for `atLeastMs` and a bit. Throws `cause`, or `deadline_exceeded`, when there is no
   * time for one.
   */
  async pauseAfter(cause: ServingError, signal: AbortSignal, atLeastMs = 0): Promise<void> {
    const { resumeMs, deadlineMs = Number.POSITIVE_INFINITY, random = Math.random } = this.#options;
    this.#giveUpAtMs ??= Date.now() + resumeMs;
    const pauseMs = atLeastMs + random() * pauseLimitMs(this.#numFailures++);
    const nextAtMs = Date.now() + pauseMs;
    if (nextAtMs >= deadlineMs) {
      const message = 'the deadline passed before the answer was complete';
      throw new ServingError('deadline_exceeded', message, {}, { cause });
    }
    if (nextAtMs >= this.#giveUpAtMs) throw cause;
    await setTimeout(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** Longest pause after so many failures before this one: 100 ms, doubled each time, up to 2 s. */
export function pauseLimitMs(numFailures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** numFailures);
}
