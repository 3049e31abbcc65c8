import { ServingError } from '@tessera/domain';
import type { Exchange } from './mesh-collective.js';
import { chunksOf, joinChunks, type ShareChunk } from './mesh-share.js';

export interface MeshRoundsOptions {
  readonly rank: number;
  readonly numRanks: number;
  /** Time after which a round that somebody does not enter fails. */
  readonly stepTimeoutMs: number;
  /** Hands a message to the connection with `peer`, in order. */
  readonly send: (peer: number, chunk: ShareChunk) => void;
}

interface Round {
  readonly number: number;
  readonly shares: Uint8Array[];
  readonly missing: Set<number>;
  readonly resolve: (shares: readonly Uint8Array[]) => void;
  readonly reject: (error: Error) => void;
}

/** What came from one rank. */
interface Inbox {
  parts: Uint8Array[];
  numShares: number;
  /** Share of the round after the one that is open here: no rank is ever further ahead, it would need ours. */
  early: Uint8Array | undefined;
}

/**
 * The rounds of one session: in each, every rank sends every other one a share. Rounds are counted on both sides, so
 * that ranks that do not make the same calls are found out instead of adding up what does not belong together.
 */
export class MeshRounds {
  readonly #options: MeshRoundsOptions;
  readonly #inboxes = new Map<number, Inbox>();
  readonly #silence: NodeJS.Timeout;
  #numRounds = 0;
  #open: Round | undefined;
  #failure: Error | undefined;

  constructor(options: MeshRoundsOptions) {
    this.#options = options;
    for (let peer = 0; peer < options.numRanks; peer++) {
      if (peer !== options.rank) this.#inboxes.set(peer, { parts: [], numShares: 0, early: undefined });
    }
    this.#silence = setTimeout(() => this.#onSilence(), options.stepTimeoutMs).unref();
  }

  /** Resolves when every share is there; rejects at once when the session has failed. */
  readonly exchange: Exchange = (shareFor) => {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#open) throw new Error(`Round ${this.#numRounds} begins while round ${this.#open.number} is open.`);
    const number = this.#numRounds++;
    for (const peer of this.#inboxes.keys()) {
      for (const chunk of chunksOf(shareFor(peer), number)) this.#options.send(peer, chunk);
    }
    return new Promise((resolve, reject) => {
      const shares: Uint8Array[] = [];
      shares[this.#options.rank] = shareFor(this.#options.rank);
      this.#open = { number, shares, missing: new Set(this.#inboxes.keys()), resolve, reject };
      this.#silence.refresh();
      for (const [peer, inbox] of this.#inboxes) this.#takeEarly(peer, inbox);
      this.#closeIfComplete();
    });
  };

  receive(peer: number, { round, data, isLast }: ShareChunk): void {
    const inbox = this.#inboxes.get(peer);
    if (!inbox) throw new Error(`Rank ${peer} is none of ${this.#options.numRanks} others.`);
    if (round !== inbox.numShares || inbox.early) {
      this.fail(new ServingError('internal', `Rank ${peer} is in round ${round}, ${this.#position}.`, { rank: peer }));
      return;
    }
    inbox.parts.push(data);
    if (!isLast) return;
    inbox.early = joinChunks(inbox.parts);
    inbox.parts = [];
    inbox.numShares++;
    if (round !== this.#open?.number) return;
    this.#takeEarly(peer, inbox);
    this.#closeIfComplete();
  }

  /** Rejects the open round and every further one; the first reason stays. */
  fail(error: Error): void {
    this.#failure ??= error;
    clearTimeout(this.#silence);
    this.#open?.reject(this.#failure);
    this.#open = undefined;
  }

  get #position(): string {
    return this.#open ? `round ${this.#open.number} is open here` : `${this.#numRounds} rounds are over here`;
  }

  #takeEarly(peer: number, inbox: Inbox): void {
    if (!this.#open || !inbox.early) return;
    this.#open.shares[peer] = inbox.early;
    this.#open.missing.delete(peer);
    inbox.early = undefined;
  }

  #closeIfComplete(): void {
    if (!this.#open || this.#open.missing.size > 0) return;
    const { shares, resolve } = this.#open;
    this.#open = undefined;
    resolve(shares);
  }

  #onSilence(): void {
    if (!this.#open) return;
    const silent = [...this.#open.missing];
    const { stepTimeoutMs } = this.#options;
    this.fail(
      new ServingError(
        'worker_failed',
        `Rank ${silent.join(', ')} said nothing in round ${this.#open.number} for ${stepTimeoutMs} ms.`,
        { rank: silent[0], limit: stepTimeoutMs },
      ),
    );
  }
}
