import type { LeaderStream } from '@tessera/rpc';

/** A leader's stream that a test holds. */
export class FakeLeader implements LeaderStream {
  silentMs = 0;
  /** Why the rank ended it. */
  endedBy: Error | undefined;
  readonly #over = new AbortController();

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  end(why: Error): void {
    this.endedBy ??= why;
    this.close();
  }

  /** As when the leader closes it or is lost. */
  close(): void {
    this.#over.abort();
  }
}
