import { EventEmitter } from 'node:events';
import { Events, type NatsConnection } from 'nats';
import type { BusState } from '../bus.js';
import { isFulfilledWithin } from '../is-fulfilled-within.js';
import { pause } from '../pause.js';

/**
 * Whether the server answers: asked once a period, since a connection to a server that was paused looks like any
 * other. All messages that the server had for this process have arrived when it hears an answer.
 */
export class ServerPulse {
  readonly #nc: NatsConnection;
  readonly #periodMs: number;
  readonly #events = new EventEmitter<{ state: [BusState]; answer: [] }>().setMaxListeners(0);
  readonly #stopped = new AbortController();
  #state: BusState = 'connected';

  constructor(nc: NatsConnection, periodMs: number) {
    this.#nc = nc;
    this.#periodMs = periodMs;
    this.#askOn();
    this.#hearOfConnection();
  }

  get state(): BusState {
    return this.#state;
  }

  onStateChange(listener: (state: BusState) => void): () => void {
    this.#events.on('state', listener);
    return () => this.#events.off('state', listener);
  }

  /** Calls the listener after each period in which the server answered. */
  onAnswer(listener: () => void): () => void {
    this.#events.on('answer', listener);
    return () => this.#events.off('answer', listener);
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #askOn(): Promise<void> {
    const { signal } = this.#stopped;
    for (;;) {
      await pause(this.#periodMs, signal);
      const isAnswered = await isFulfilledWithin(this.#nc.flush(), this.#periodMs);
      if (signal.aborted) return;
      this.#set(isAnswered ? 'connected' : 'disconnected');
      if (isAnswered) this.#events.emit('answer');
    }
  }

  async #hearOfConnection(): Promise<void> {
    for await (const { type } of this.#nc.status()) {
      if (this.#stopped.signal.aborted) return;
      if (type === Events.Disconnect) this.#set('disconnected');
      if (type === Events.Reconnect) this.#set('connected');
    }
  }

  #set(state: BusState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#events.emit('state', state);
  }
}
