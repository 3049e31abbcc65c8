/** A queue that one producer fills and one consumer iterates over, to the end or to an error. */
export class EventQueue<Event> implements AsyncIterable<Event> {
  readonly #events: Event[] = [];
  #ending: { readonly error?: Error } | undefined;
  #wake: () => void = () => {};

  push(event: Event): void {
    if (this.#ending) return;
    this.#events.push(event);
    this.#wake();
  }

  end(): void {
    this.#ending ??= {};
    this.#wake();
  }

  fail(error: Error): void {
    this.#ending ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event> {
    for (;;) {
      while (this.#events.length > 0) yield this.#events.shift() as Event;
      if (this.#ending?.error) throw this.#ending.error;
      if (this.#ending) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
