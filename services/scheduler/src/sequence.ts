import {
  type EmbeddingKey,
  type FinishReason,
  type LaneId,
  type PageId,
  type Request,
  type SampledToken,
  type SchedulerEvent,
  type SequenceId,
  sequenceId,
  type VisualSegment,
} from '@tessera/domain';
import type { EventQueue } from './event-queue.js';

/** What a running sequence holds. */
export interface Residence {
  readonly lane: LaneId;
  /** Reserved for the whole sequence, prompt and answer. */
  readonly pages: readonly PageId[];
}

/** A request on its way: waiting for its embeddings, then for room, then running, until it is finished. */
export class Sequence {
  readonly id: SequenceId;
  readonly request: Request;
  readonly events: EventQueue<SchedulerEvent>;
  /** Embeddings staged for it on the decoder. */
  readonly staged = new Set<EmbeddingKey>();
  residence: Residence | undefined;
  /** The ranks know it. */
  isAdmitted = false;
  isCancelled = false;
  numComputed = 0;
  /** The first step since it runs, or since it was last computed, that could compute some of it. */
  waitsSinceStep = 0;
  #numOutputTokens: number;

  constructor(request: Request, events: EventQueue<SchedulerEvent>) {
    this.id = sequenceId(`${request.requestId}/${request.sampling.choiceIndex}/${request.attempt}`);
    this.request = request;
    this.events = events;
    this.#numOutputTokens = request.resumeTokens.length;
  }

  get visuals(): readonly VisualSegment[] {
    return this.request.segments.filter((segment): segment is VisualSegment => segment.kind !== 'text');
  }

  /** Tokens known when it started: the prompt and what an earlier attempt emitted. */
  get numKnownTokens(): number {
    return this.request.tokenIds.length + this.request.resumeTokens.length;
  }

  /** Tokens whose keys and values are still to be computed before the next one can be sampled. */
  get numTokensToCompute(): number {
    return this.request.tokenIds.length + this.#numOutputTokens - this.numComputed;
  }

  get isPrefilled(): boolean {
    return this.numComputed >= this.numKnownTokens;
  }

  get numOutputTokens(): number {
    return this.#numOutputTokens;
  }

  /** Longest it can get, in positions. The last sampled token is never computed. */
  get maxLen(): number {
    return this.request.tokenIds.length + this.request.maxTokens;
  }

  /** Why it is at its end already: an earlier attempt emitted its last token. */
  get resumedEnd(): FinishReason | undefined {
    const last = this.request.resumeTokens.at(-1);
    return last === undefined ? undefined : this.#endAfter(last);
  }

  /** Takes a sampled token; returns why the sequence ends with it, if it does. */
  accept(token: SampledToken): FinishReason | undefined {
    this.#numOutputTokens++;
    return this.#endAfter(token.tokenId);
  }

  /** Tells the caller that it has ended. */
  finish(reason: FinishReason): void {
    const usage = {
      numPromptTokens: this.request.tokenIds.length,
      numCachedTokens: 0,
      numOutputTokens: this.#numOutputTokens,
    };
    this.events.push({ kind: 'finished', reason, usage });
    this.events.end();
  }

  #endAfter(tokenId: number): FinishReason | undefined {
    if (this.request.stopTokenIds.includes(tokenId)) return 'stop';
    return this.#numOutputTokens >= this.request.maxTokens ? 'length' : undefined;
  }
}
