import type { MessageInitShape } from '@bufbuild/protobuf';
import { ServingError } from '@tessera/domain';
import type * as wire from '@tessera/proto/decoder/v1';
import { invalidField, present } from '../convert/invalid-field.js';
import { safeIntegerOf } from '../convert/safe-integer.js';
import type { Exchange } from './mesh-collective.js';
import { MeshRounds } from './mesh-rounds.js';
import type { ShareChunk } from './mesh-share.js';

export type SentFrame = MessageInitShape<typeof wire.MeshFrameSchema>;

/** One stream to another rank, whoever opened it, after the greeting. */
export interface MeshLink {
  readonly peer: number;
  send(frame: SentFrame): void;
  readonly frames: AsyncIterable<wire.MeshFrame | undefined>;
}

export interface MeshSessionOptions {
  readonly session: string;
  readonly rank: number;
  readonly numRanks: number;
  readonly stepTimeoutMs: number;
}

/** One life of a group as a rank sees it: its links to all others, from the first meeting to the first loss. */
export class MeshSession {
  readonly session: string;
  readonly rank: number;
  readonly exchange: Exchange;
  readonly #options: MeshSessionOptions;
  readonly #links = new Map<number, MeshLink>();
  readonly #over = new AbortController();
  readonly #rounds: MeshRounds;
  #reportComplete: () => void = () => {};
  readonly #complete: Promise<void>;

  constructor(options: MeshSessionOptions) {
    this.session = options.session;
    this.rank = options.rank;
    this.#options = options;
    this.#rounds = new MeshRounds({ ...options, send: (peer, chunk) => this.#send(peer, chunk) });
    this.exchange = this.#rounds.exchange;
    this.#complete = new Promise((resolve) => {
      this.#reportComplete = resolve;
    });
    if (options.numRanks === 1) this.#reportComplete();
  }

  /** Aborts when the session is over, with the reason. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get missingRanks(): number[] {
    const others = Array.from({ length: this.#options.numRanks }, (_, rank) => rank);
    return others.filter((rank) => rank !== this.rank && !this.#links.has(rank));
  }

  /** Takes in the stream to a rank and reads it to its end, which is the end of the session. */
  async join(link: MeshLink): Promise<void> {
    if (!this.missingRanks.includes(link.peer)) {
      throw new ServingError('internal', `Rank ${link.peer} has met rank ${this.rank} before.`);
    }
    this.#links.set(link.peer, link);
    if (this.missingRanks.length === 0) this.#reportComplete();
    try {
      for await (const frame of link.frames) this.#rounds.receive(link.peer, chunkFromProto(frame));
      this.end(lostRank(link.peer, 'it ended its stream'));
    } catch (error) {
      this.end(lostRank(link.peer, (error as Error).message, error));
    }
  }

  /** Resolves when all ranks have met; rejects when the session is over before. */
  async complete(): Promise<void> {
    const over = new Promise<never>((_, reject) => {
      const onOver = (): void => reject(this.signal.reason);
      if (this.signal.aborted) onOver();
      else this.signal.addEventListener('abort', onOver, { once: true });
    });
    await Promise.race([this.#complete, over]);
  }

  /** Closes all streams and rejects at once what waits for other ranks; the first reason stays. */
  end(reason: Error): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort(reason);
    this.#rounds.fail(reason);
  }

  #send(peer: number, chunk: ShareChunk): void {
    const link = this.#links.get(peer);
    if (!link) throw new Error(`Rank ${this.rank} has not met rank ${peer}.`);
    link.send({ content: { case: 'chunk', value: { ...chunk, round: BigInt(chunk.round) } } });
  }
}

function lostRank(rank: number, why: string, cause?: unknown): ServingError {
  return new ServingError('worker_failed', `Rank ${rank} was lost: ${why.replace(/\.$/, '')}.`, { rank }, { cause });
}

function chunkFromProto(frame: wire.MeshFrame | undefined): ShareChunk {
  const { content } = present(frame, 'frame');
  if (content.case !== 'chunk') throw invalidField('frame.content', 'a chunk', content.case ?? 'nothing');
  const { round, data, isLast } = content.value;
  return { round: safeIntegerOf(round, 'frame.chunk.round'), data, isLast };
}
