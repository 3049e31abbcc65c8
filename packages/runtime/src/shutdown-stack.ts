import type { Logger } from './create-logger.js';

export type CloseTask = () => void | Promise<void>;

/** What has been started, to be closed in the opposite order. */
export class ShutdownStack {
  readonly #tasks: { name: string; close: CloseTask }[] = [];
  readonly #logger: Logger;
  #closing: Promise<boolean> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Registers right after the start of something how it is closed. */
  add(name: string, close: CloseTask): void {
    this.#tasks.push({ name, close });
  }

  /** Closes everything, last started first; a task that throws is logged and the next one runs. False if one threw. */
  close(): Promise<boolean> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<boolean> {
    let isClean = true;
    for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) {
      try {
        await task.close();
        this.#logger.debug(`closed ${task.name}`);
      } catch (error) {
        isClean = false;
        this.#logger.error({ err: error }, `could not close ${task.name}`);
      }
    }
    return isClean;
  }
}
