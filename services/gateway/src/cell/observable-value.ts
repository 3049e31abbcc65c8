/** A value that changes, and whose changes can be waited for. */
export class ObservableValue<Value> {
  #current: Value;
  readonly #checks = new Set<() => void>();

  constructor(initial: Value) {
    this.#current = initial;
  }

  get current(): Value {
    return this.#current;
  }

  set current(value: Value) {
    this.#current = value;
    for (const check of [...this.#checks]) check();
  }

  /** What `pick` makes of the value, as soon as that is not undefined; rejects with the reason of `signal`. */
  until<Picked>(pick: (value: Value) => Picked | undefined, signal: AbortSignal): Promise<Picked> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const settle = () => {
        this.#checks.delete(check);
        signal.removeEventListener('abort', abort);
      };
      const check = () => {
        const picked = pick(this.#current);
        if (picked === undefined) return;
        settle();
        resolve(picked);
      };
      const abort = () => {
        settle();
        reject(signal.reason);
      };
      this.#checks.add(check);
      signal.addEventListener('abort', abort, { once: true });
      check();
    });
  }
}
