/** A value that changes; its readers see the newest one, not each. */
export class LatestValue<T> {
  #value: T;
  #isClosed = false;
  readonly #wakers = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (value === this.#value) return;
    this.#value = value;
    this.#wakeReaders();
  }

  /** Ends all readers. */
  close(): void {
    this.#isClosed = true;
    this.#wakeReaders();
  }

  /** The value now, then the newest whenever it has changed, until the signal or `close`. */
  async *read(signal: AbortSignal): AsyncGenerator<T, void> {
    let last: { readonly value: T } | undefined;
    while (!signal.aborted && !this.#isClosed) {
      if (last !== undefined && last.value === this.#value) {
        await this.#wake(signal);
      } else {
        last = { value: this.#value };
        yield last.value;
      }
    }
  }

  #wake(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wakers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wakers.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  #wakeReaders(): void {
    for (const wake of this.#wakers) wake();
  }
}
