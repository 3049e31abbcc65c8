/** Where the calls of a fake wait while a test holds them. */
export class Gate {
  #opened: Promise<void> = Promise.resolve();
  #onArrival: (() => void)[] = [];

  /** Calls that arrive from now on wait until the returned function is called. */
  hold(): () => void {
    let open: () => void = () => {};
    this.#opened = new Promise((resolve) => {
      open = resolve;
    });
    return open;
  }

  /** Resolves when the next call has arrived. */
  arrival(): Promise<void> {
    return new Promise((resolve) => this.#onArrival.push(resolve));
  }

  /** For the fake: arrives, then waits while held. */
  pass(): Promise<void> {
    for (const resolve of this.#onArrival.splice(0)) resolve();
    return this.#opened;
  }
}
