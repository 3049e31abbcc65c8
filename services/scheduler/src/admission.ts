import { ServingError } from '@tessera/domain';
import type { Sequence } from './sequence.js';

/** What may wait for embeddings or room, each bound for itself. */
export interface AdmissionLimits {
  readonly maxWaitingRequests: number;
  /** Tokens of their prompts. */
  readonly maxWaitingTokens: number;
  /** Patches of their images and videos. */
  readonly maxWaitingPatches: number;
  /** Bytes of their media, which gateways hold. */
  readonly maxWaitingBytes: number;
}

interface Load {
  requests: number;
  tokens: number;
  patches: number;
  bytes: number;
}

/** Answers leave at this rate when nothing is known yet, a second. */
const assumedRate = 1;

/** Time over which the drain rate is taken. */
const windowMs = 30_000;

/**
 * Bounds what waits. What is refused is told when to come again: when as many requests as wait will have ended, at the
 * rate at which they ended lately.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #now: () => number;
  readonly #waiting: Load = { requests: 0, tokens: 0, patches: 0, bytes: 0 };
  readonly #waitingSequences = new Set<Sequence>();
  /** When requests ended, oldest first. */
  readonly #endedAtMs: number[] = [];

  constructor(limits: AdmissionLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  get numWaiting(): number {
    return this.#waiting.requests;
  }

  /** Counts a request as waiting; throws `queue_full` with a Retry-After when one of the bounds is reached. */
  enter(sequence: Sequence): void {
    const load = loadOf(sequence);
    const { maxWaitingRequests, maxWaitingTokens, maxWaitingPatches, maxWaitingBytes } = this.#limits;
    const bounds = {
      requests: maxWaitingRequests,
      tokens: maxWaitingTokens,
      patches: maxWaitingPatches,
      bytes: maxWaitingBytes,
    };
    for (const [unit, limit] of Object.entries(bounds) as [keyof Load, number][]) {
      // One that is alone above a bound may wait when nobody else does, and does not keep out what adds nothing to it.
      if (load[unit] > 0 && this.#waiting[unit] > 0 && this.#waiting[unit] + load[unit] > limit)
        throw this.#full(unit, limit);
    }
    if (maxWaitingRequests === 0) throw this.#full('requests', 0);
    this.comeBack(sequence);
  }

  /** It waits no longer: it runs, or it has ended. */
  leave(sequence: Sequence): void {
    if (this.#waitingSequences.delete(sequence)) this.#add(loadOf(sequence), -1);
  }

  /** A running one waits again; nothing is refused. */
  comeBack(sequence: Sequence): void {
    if (this.#waitingSequences.has(sequence)) throw new Error(`${sequence.id} waits already`);
    this.#waitingSequences.add(sequence);
    this.#add(loadOf(sequence), 1);
  }

  /** A request has ended, for the drain rate. */
  recordEnd(): void {
    const now = this.#now();
    this.#endedAtMs.push(now);
    while ((this.#endedAtMs[0] ?? now) < now - windowMs) this.#endedAtMs.shift();
  }

  #add(load: Load, sign: 1 | -1): void {
    for (const unit of Object.keys(load) as (keyof Load)[]) this.#waiting[unit] += sign * load[unit];
  }

  #full(unit: keyof Load, limit: number): ServingError {
    const waiting = this.#waiting[unit];
    const message = `${waiting} ${unit} are waiting; the limit is ${limit}.`;
    const retryAfterSeconds = this.#secondsToDrain();
    return new ServingError('queue_full', message, { unit, limit, waiting, retryAfterSeconds });
  }

  #secondsToDrain(): number {
    const now = this.#now();
    const recent = this.#endedAtMs.filter((endedAtMs) => endedAtMs >= now - windowMs);
    const spanMs = Math.max(1000, now - (recent[0] ?? now));
    const rate = recent.length === 0 ? assumedRate : (recent.length * 1000) / spanMs;
    return Math.min(60, Math.max(1, Math.ceil(this.#waiting.requests / rate)));
  }
}

function loadOf({ request: { tokenIds, numMediaBytes }, visuals }: Sequence): Load {
  const patches = visuals.reduce((sum, { grid }) => sum + grid.t * grid.h * grid.w, 0);
  return { requests: 1, tokens: tokenIds.length, patches, bytes: numMediaBytes };
}
