import type { EmbeddingKey, EncoderFeed } from '@tessera/domain';

/** A job that an encoder was given and has not finished. */
export interface Ticket {
  readonly id: string;
  readonly numPatches: number;
}

/** What the scheduler knows of one encoder: what it holds and what it has to do. */
export class EncoderBook {
  readonly address: string;
  /** Visual tokens that its cache holds. */
  readonly capacityTokens: number;
  readonly #held = new Set<EmbeddingKey>();
  readonly #tickets = new Map<string, Ticket>();
  #numPatches = 0;

  constructor({ address, description }: Pick<EncoderFeed, 'address' | 'description'>) {
    this.address = address;
    const bytesPerToken = description.hiddenSize * Float32Array.BYTES_PER_ELEMENT;
    this.capacityTokens = Math.floor(description.cacheBytes / bytesPerToken);
  }

  /** Patches of its unfinished jobs. */
  get numPatches(): number {
    return this.#numPatches;
  }

  get numTickets(): number {
    return this.#tickets.size;
  }

  holds(key: EmbeddingKey): boolean {
    return this.#held.has(key);
  }

  hold(key: EmbeddingKey): void {
    this.#held.add(key);
  }

  drop(key: EmbeddingKey): void {
    this.#held.delete(key);
  }

  open(ticket: Ticket): void {
    this.#tickets.set(ticket.id, ticket);
    this.#numPatches += ticket.numPatches;
  }

  /** Nothing happens when it was closed before. */
  close(ticketId: string): void {
    this.#numPatches -= this.#tickets.get(ticketId)?.numPatches ?? 0;
    this.#tickets.delete(ticketId);
  }
}
