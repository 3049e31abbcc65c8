import {
  type EmbeddingKey,
  type EncoderFeed,
  type EncoderUpdate,
  ServingError,
  type VisualSegment,
} from '@tessera/domain';
import { FairQueue, type QueuedItem } from '../fair-queue.js';
import { byRank, type Sequence } from '../sequence.js';
import { EncoderBook } from './encoder-book.js';
import { SharedRoom } from './shared-room.js';

/** Encoding one visual is tried so often for one sequence. */
const maxTickets = 4;

export interface VisualBoardOptions {
  /** Patches of unfinished jobs that an encoder may have; one alone may be larger. */
  readonly maxEncoderPatches: number;
  /** An embedding that a sequence needs can be fetched now. */
  readonly onReady: (sequence: Sequence, key: EmbeddingKey) => void;
  /** An embedding that a sequence needs cannot be had; the sequence is to leave. */
  readonly onFailed: (sequence: Sequence, error: ServingError) => void;
}

/** An embedding that somebody needs and nobody holds. Its turn is that of the foremost who waits for it. */
interface Want extends QueuedItem {
  tenant: string;
  rank: number;
  order: number;
  readonly key: EmbeddingKey;
  readonly numPatches: number;
  /** Who needs it and which of its visuals it is, in order of arrival. */
  readonly waiting: Map<Sequence, VisualSegment>;
  /** Absent while it is in the queue. */
  job: { readonly encoder: EncoderBook; readonly ticketId: string; readonly uploader: Sequence } | undefined;
}

/** What a sequence was let in for. */
interface Reservation {
  readonly keys: ReadonlySet<EmbeddingKey>;
  readonly numTicketsOf: Map<EmbeddingKey, number>;
}

/**
 * The life of embeddings until decoders fetch them (architecture §3.8): wanted → reserved → encoding → ready.
 *
 * A sequence gets room in the encoders' caches for all its visuals or for none, in fair order, so that no two sequences
 * ever wait for each other's halves. Work goes to encoders in fair order between tenants, priced in patches, each encoder
 * with so little at a time that order still matters. One job serves everybody who needs the same embedding. When an
 * encoder dies, loses an embedding or fails a job, the work is given out again.
 */
export class VisualBoard {
  readonly #options: VisualBoardOptions;
  readonly #encoders = new Map<string, EncoderBook>();
  /** Sequences that wait for room. */
  readonly #incoming = new FairQueue<Sequence>();
  readonly #needs = new Map<Sequence, readonly VisualSegment[]>();
  readonly #reservations = new Map<Sequence, Reservation>();
  readonly #wants = new Map<EmbeddingKey, Want>();
  readonly #jobs = new FairQueue<Want>();
  /** In the caches of the encoders, until decoders have an embedding. */
  readonly #room = new SharedRoom();
  #numTickets = 0;

  constructor(options: VisualBoardOptions) {
    this.#options = options;
  }

  get numEncoders(): number {
    return this.#encoders.size;
  }

  /** Embeddings that are being made or wait for an encoder. */
  get numWanted(): number {
    return this.#wants.size;
  }

  /** Visual tokens of the largest cache; undefined without encoders. */
  get maxVisualTokens(): number | undefined {
    const sizes = [...this.#encoders.values()].map(({ capacityTokens }) => capacityTokens);
    return sizes.length === 0 ? undefined : Math.max(...sizes);
  }

  /** Where an embedding can be fetched. */
  holderOf(key: EmbeddingKey): string | undefined {
    for (const encoder of this.#encoders.values()) if (encoder.holds(key)) return encoder.address;
    return undefined;
  }

  /**
   * A sequence needs these visuals; `onReady` tells when each can be fetched. One that was let in already must be covered
   * (`covers`): what is not held any more is made again.
   */
  need(sequence: Sequence, visuals: readonly VisualSegment[]): void {
    if (this.#reservations.has(sequence)) for (const visual of visuals) this.#want(sequence, visual);
    else {
      this.#needs.set(sequence, visuals);
      this.#incoming.add(sequence);
    }
    this.#dispatch();
  }

  /** Whether a sequence was let in with room for all of these. */
  covers(sequence: Sequence, visuals: readonly VisualSegment[]): boolean {
    const keys = this.#reservations.get(sequence)?.keys;
    return visuals.every(({ embeddingKey }) => keys?.has(embeddingKey) ?? false);
  }

  /** Decoders have the embedding for this sequence: it needs no room in the caches any more. */
  fetched(sequence: Sequence, key: EmbeddingKey): void {
    if (this.#room.release(sequence, key)) this.#dispatch();
  }

  /** A sequence needs nothing any more. */
  leave(sequence: Sequence): void {
    this.#needs.delete(sequence);
    this.#incoming.remove(sequence);
    this.#reservations.delete(sequence);
    for (const { embeddingKey } of sequence.visuals) {
      this.#room.release(sequence, embeddingKey);
      const want = this.#wants.get(embeddingKey);
      if (want?.waiting.delete(sequence)) this.#afterLeaving(want, sequence);
    }
    this.#dispatch();
  }

  /** An encoder did not hold an embedding, whatever it said before. */
  reportMiss(address: string, key: EmbeddingKey): void {
    this.#encoders.get(address)?.drop(key);
  }

  addEncoder(feed: Pick<EncoderFeed, 'address' | 'description'>): void {
    this.#encoders.set(feed.address, new EncoderBook(feed));
    this.#dispatch();
  }

  /** Its jobs are given out again. */
  removeEncoder(address: string): void {
    const encoder = this.#encoders.get(address);
    this.#encoders.delete(address);
    for (const want of this.#wants.values()) if (encoder && want.job?.encoder === encoder) this.#requeue(want);
    this.#dispatch();
  }

  update(address: string, { ready, evicted, failed }: EncoderUpdate): void {
    const encoder = this.#encoders.get(address);
    if (!encoder) return;
    for (const key of evicted) encoder.drop(key);
    for (const key of ready) this.#markReady(encoder, key);
    for (const { ticket, embeddingKey } of failed) {
      const want = this.#wants.get(embeddingKey);
      if (want?.job?.ticketId === ticket) this.#requeue(want);
    }
    this.#dispatch();
  }

  /** Throws with its numbers when something is promised to somebody though nobody needs anything. */
  checkIntegrity(): void {
    const isIdle = this.#needs.size === 0 && this.#reservations.size === 0;
    const numQueued = this.#incoming.size + this.#jobs.size;
    const { numTokens } = this.#room;
    if (!isIdle || (this.#wants.size === 0 && numTokens === 0 && numQueued === 0)) return;
    throw new Error(
      `nobody needs a visual, but ${this.#wants.size} are wanted, ${numQueued} wait and ${numTokens} tokens have room`,
    );
  }

  #markReady(encoder: EncoderBook, key: EmbeddingKey): void {
    encoder.hold(key);
    const want = this.#wants.get(key);
    if (!want) return;
    this.#drop(want);
    for (const sequence of want.waiting.keys()) this.#options.onReady(sequence, key);
  }

  #afterLeaving(want: Want, sequence: Sequence): void {
    if (want.waiting.size === 0) this.#drop(want);
    else if (want.job?.uploader === sequence) this.#requeue(want);
    else this.#followForemost(want);
  }

  #drop(want: Want): void {
    this.#wants.delete(want.key);
    if (want.job) this.#closeJob(want);
    else this.#jobs.remove(want);
  }

  #requeue(want: Want): void {
    this.#closeJob(want);
    this.#jobs.clocks.refund(want.tenant, want.numPatches);
    this.#jobs.add(Object.assign(want, turnOf(foremostOf(want))));
  }

  /** Who needs it has changed: while it is in the queue, so has its turn, perhaps. */
  #followForemost(want: Want): void {
    const foremost = foremostOf(want);
    if (foremost.order !== want.order && this.#jobs.remove(want)) this.#jobs.add(Object.assign(want, turnOf(foremost)));
  }

  #closeJob(want: Want): void {
    want.job?.encoder.close(want.job.ticketId);
    want.job = undefined;
  }

  #dispatch(): void {
    this.#reserve();
    for (;;) {
      const want = this.#jobs.peek();
      const encoder = want && this.#encoderFor(want);
      if (!want || !encoder) return;
      this.#jobs.remove(want);
      this.#issue(want, encoder);
    }
  }

  /** Lets in sequences in fair order while the caches have room; one that nothing else competes with always. */
  #reserve(): void {
    if (this.#encoders.size === 0) return;
    const capacityTokens = [...this.#encoders.values()].reduce((sum, encoder) => sum + encoder.capacityTokens, 0);
    for (;;) {
      const sequence = this.#incoming.peek();
      if (!sequence) return;
      const visuals = this.#needs.get(sequence) ?? [];
      const numTokensBefore = this.#room.numTokens;
      if (!this.#room.reserve(sequence, visuals, capacityTokens)) return;
      this.#incoming.remove(sequence);
      this.#needs.delete(sequence);
      this.#incoming.clocks.charge(sequence.tenant, this.#room.numTokens - numTokensBefore);
      const keys = new Set(visuals.map(({ embeddingKey }) => embeddingKey));
      this.#reservations.set(sequence, { keys, numTicketsOf: new Map() });
      for (const visual of visuals) this.#want(sequence, visual);
    }
  }

  #want(sequence: Sequence, visual: VisualSegment): void {
    const { embeddingKey: key, grid } = visual;
    if (this.holderOf(key) !== undefined) {
      this.#options.onReady(sequence, key);
      return;
    }
    let want = this.#wants.get(key);
    if (!want) {
      const numPatches = grid.t * grid.h * grid.w;
      want = { ...turnOf(sequence), key, numPatches, waiting: new Map(), job: undefined };
      this.#wants.set(key, want);
      this.#jobs.add(want);
    }
    want.waiting.set(sequence, visual);
    this.#followForemost(want);
  }

  /** Asks the first who waits for an upload. Who was asked too often fails; then the next one is asked. */
  #issue(want: Want, encoder: EncoderBook): void {
    const first = want.waiting.entries().next().value;
    if (!first) throw new Error(`nobody waits for the embedding ${want.key}`);
    const [uploader, { mediaIndex }] = first;
    const numTicketsOf = this.#reservations.get(uploader)?.numTicketsOf;
    const numTickets = numTicketsOf?.get(want.key) ?? 0;
    if (numTickets >= maxTickets) {
      this.#jobs.add(want);
      this.#options.onFailed(uploader, triedTooOften(mediaIndex));
      return;
    }
    numTicketsOf?.set(want.key, numTickets + 1);
    const ticketId = `${uploader.id}/${mediaIndex}/${this.#numTickets++}`;
    this.#jobs.clocks.charge(want.tenant, want.numPatches);
    encoder.open({ id: ticketId, numPatches: want.numPatches });
    want.job = { encoder, ticketId, uploader };
    uploader.events.push({ kind: 'encodeHere', mediaIndex, encoderAddress: encoder.address, ticket: ticketId });
  }

  /** The one with the least to do that may have more. */
  #encoderFor({ numPatches }: Want): EncoderBook | undefined {
    let best: EncoderBook | undefined;
    for (const encoder of this.#encoders.values()) {
      const mayHaveMore =
        encoder.numTickets === 0 || encoder.numPatches + numPatches <= this.#options.maxEncoderPatches;
      if (mayHaveMore && (!best || encoder.numPatches < best.numPatches)) best = encoder;
    }
    return best;
  }
}

function foremostOf({ key, waiting }: Want): Sequence {
  const [foremost] = [...waiting.keys()].sort(byRank);
  if (!foremost) throw new Error(`nobody waits for the embedding ${key}`);
  return foremost;
}

function turnOf({ tenant, rank, order }: Sequence): QueuedItem {
  return { tenant, rank, order };
}

function triedTooOften(mediaIndex: number): ServingError {
  return new ServingError('worker_failed', `Encoding the visual ${mediaIndex} failed ${maxTickets} times.`, {
    mediaIndex,
    limit: maxTickets,
  });
}
