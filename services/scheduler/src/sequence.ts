import {
  type BlockHash,
  type EventQueue,
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
import type { QueuedItem } from './fair-queue.js';

/** Batch requests come behind every priority of the interactive ones. */
const batchRank = 2 ** 32;

/** What a running sequence holds on its rank group. */
export interface Residence {
  readonly groupId: string;
  readonly lane: LaneId;
  /** Its block table. */
  readonly pages: PageId[];
  /** Leading pages that were found in the prefix cache. */
  readonly numCachedPages: number;
  /** Leading pages that others may find. */
  numPublished: number;
  /** The ranks know it. */
  isAdmitted: boolean;
}

/**
 * A request on its way. It waits, runs on a lane, may be preempted and wait again, until it ends:
 *
 *     waiting ⇄ running → ended        (waiting → ended when it is cancelled)
 *
 * Tokens are counted at three moments: planned (a step that computes them is under way), computed (its result came),
 * known (their ids are here). A decoding sequence whose step is under way has one token that is not known yet.
 */
export class Sequence implements QueuedItem {
  readonly id: SequenceId;
  readonly request: Request;
  readonly events: EventQueue<SchedulerEvent>;
  readonly visuals: readonly VisualSegment[];
  /** Order of arrival; kept through preemption, so that it comes back before whoever came later. */
  readonly order: number;
  residence: Residence | undefined;
  hasEnded = false;
  numPlanned = 0;
  numComputed = 0;
  /** Steps with some of it whose results have not come. */
  numStepsUnderWay = 0;
  /** Sampling chunks whose tokens are on their way. */
  numPendingSamples = 0;
  /** Tokens sampled since it runs, those on their way included. */
  numSampled = 0;
  /** The worker failed in a step with it; it runs alone until it has finished one. */
  isSuspect = false;
  /** Hash of each of its full pages, as far as asked for. */
  readonly blockHashes: BlockHash[];
  /** Its last turn among all turns of its group: when some of it was planned last, or when it came. */
  lastTurn = 0;
  #hasStarted = false;
  #numCachedTokens = 0;
  readonly #outputTokens: number[];

  constructor(request: Request, events: EventQueue<SchedulerEvent>, order: number) {
    this.id = sequenceId(`${request.requestId}/${request.sampling.choiceIndex}/${request.attempt}`);
    this.request = request;
    this.events = events;
    this.order = order;
    this.visuals = request.segments.filter((segment): segment is VisualSegment => segment.kind !== 'text');
    this.blockHashes = [...(request.prefix?.blocks ?? [])];
    this.#outputTokens = [...request.resumeTokens];
  }

  get tenant(): string {
    return this.request.tenant;
  }

  /** Lower goes first: suspects, then interactive requests by priority, then batch. */
  get rank(): number {
    if (this.isSuspect) return Number.NEGATIVE_INFINITY;
    return (this.isBatch ? batchRank : 0) - this.request.priority;
  }

  get isBatch(): boolean {
    return this.request.class === 'batch';
  }

  get numPromptTokens(): number {
    return this.request.tokenIds.length;
  }

  /** Tokens that it may come to, prompt and answer. */
  get maxLen(): number {
    return this.numPromptTokens + this.request.maxTokens;
  }

  /** Tokens of the answer, those of earlier attempts included. */
  get outputTokens(): readonly number[] {
    return this.#outputTokens;
  }

  /** Visuals of which something is behind the first `numTokens` tokens. */
  visualsBehind(numTokens: number): VisualSegment[] {
    return this.visuals.filter(({ offset, length }) => offset + length > numTokens);
  }

  /** Ids of `count` known tokens from `first` on, prompt and answer. */
  tokensOf(first: number, count: number): number[] {
    const { tokenIds } = this.request;
    return Array.from(
      { length: count },
      (_, i) => tokenIds[first + i] ?? this.#outputTokens[first + i - tokenIds.length]!,
    );
  }

  /** Tokens whose ids are here. */
  get numKnownTokens(): number {
    return this.numPromptTokens + this.#outputTokens.length;
  }

  /** Tokens to plan before the next one can be sampled; one that is on its way counts. */
  get numTokensToPlan(): number {
    return this.numKnownTokens + this.numPendingSamples - this.numPlanned;
  }

  /** It has sampled since it runs: only the token sampled last is to be computed. */
  get isDecoding(): boolean {
    return this.numSampled > 0;
  }

  /** As many tokens as it may have are here or on their way. */
  get isAtLimit(): boolean {
    return this.#outputTokens.length + this.numPendingSamples >= this.request.maxTokens;
  }

  /** Why it is at its end already: an earlier attempt emitted its last token. */
  get resumedEnd(): FinishReason | undefined {
    const last = this.request.resumeTokens.at(-1);
    return last === undefined ? undefined : this.#endAfter(last);
  }

  /** It runs from now on, with `numCachedPages` pages of `pageLen` tokens computed already. */
  start(residence: Residence, pageLen: number): void {
    const numCached = residence.numCachedPages * pageLen;
    this.residence = residence;
    this.numPlanned = numCached;
    this.numComputed = numCached;
    this.numSampled = 0;
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    this.#numCachedTokens = Math.min(numCached, this.numPromptTokens);
    this.events.push({ kind: 'started', numCachedTokens: this.#numCachedTokens });
  }

  /** It waits again: everything is to be computed once more, unless it is found in the prefix cache. */
  stop(): void {
    this.residence = undefined;
    this.numPlanned = 0;
    this.numComputed = 0;
    this.numSampled = 0;
  }

  /** Takes a sampled token; returns why the sequence ends with it, if it does. */
  accept({ tokenId }: SampledToken): FinishReason | undefined {
    this.#outputTokens.push(tokenId);
    return this.#endAfter(tokenId);
  }

  /** Tells the caller that it has ended well. */
  finish(reason: FinishReason): void {
    const usage = {
      numPromptTokens: this.numPromptTokens,
      numCachedTokens: this.#numCachedTokens,
      numOutputTokens: this.#outputTokens.length,
    };
    this.events.push({ kind: 'finished', reason, usage });
    this.events.end();
    this.hasEnded = true;
  }

  /** Tells the caller that it failed; nothing to tell when it has ended already. */
  fail(error: Error): void {
    this.events.fail(error);
    this.hasEnded = true;
  }

  #endAfter(tokenId: number): FinishReason | undefined {
    if (this.request.stopTokenIds.includes(tokenId)) return 'stop';
    return this.#outputTokens.length >= this.request.maxTokens ? 'length' : undefined;
  }
}

/** Order of turns: by rank, then by arrival. */
export function byRank(a: Sequence, b: Sequence): number {
  return a.rank - b.rank || a.order - b.order;
}
