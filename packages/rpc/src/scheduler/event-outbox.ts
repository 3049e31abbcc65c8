import { setImmediate as rest } from 'node:timers/promises';
import type { RequestEventSchema } from '@tessera/proto/scheduler/v1';
import type { Sent } from '../grpc/service-definition.js';

type Event = Sent<typeof RequestEventSchema>;

/** What one message holds at most: with all that may come with a token still far below the limit of a message. */
const maxEvents = 1024;

/** Sends events in order: all that happen in one turn of the event loop, or while the caller reads slowly, together. */
export class EventOutbox {
  readonly #send: (events: Event[]) => Promise<void>;
  readonly #waiting: Event[] = [];
  #sending: Promise<void> | undefined;

  /** `send` waits while the caller reads slower. */
  constructor(send: (events: Event[]) => Promise<void>) {
    this.#send = send;
  }

  push(event: Event): void {
    this.#waiting.push(event);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when all that was pushed has been sent. */
  async sent(): Promise<void> {
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      await rest();
      await this.#send(this.#waiting.splice(0, maxEvents));
    }
    this.#sending = undefined;
  }
}
