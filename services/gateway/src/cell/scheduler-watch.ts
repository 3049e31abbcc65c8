import type { CellDescription } from '@tessera/domain';
import type { SchedulerClient } from './cell.js';

/** Asks one scheduler for its description, again `pollMs` after each answer, until closed. Starts with the first `ask`. */
export class SchedulerWatch {
  #description: CellDescription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;
  #isClosed = false;

  constructor(
    readonly address: string,
    readonly scheduler: SchedulerClient,
    private readonly pollMs: number,
    private readonly onAnswer: () => void,
  ) {}

  /** Its last answer; undefined before there is one, and when it did not answer. */
  get description(): CellDescription | undefined {
    return this.#description;
  }

  /** Asks now, unless an answer is on its way. */
  ask(): void {
    if (this.#isAsking || this.#isClosed) return;
    clearTimeout(this.#timer);
    void this.#describe();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.scheduler.close();
  }

  async #describe(): Promise<void> {
    this.#isAsking = true;
    // Who does not answer leads nothing, whatever the reason.
    const description = await this.scheduler.describe().catch(() => undefined);
    this.#isAsking = false;
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => this.ask(), this.pollMs);
    this.#description = description;
    this.onAnswer();
  }
}
