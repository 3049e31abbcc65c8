import { ServingError } from '@tessera/domain';
import type { LeaderStream, RankClaim } from '@tessera/rpc';

interface Incumbent {
  readonly claim: RankClaim;
  readonly stream: LeaderStream;
}

/** Decides whom a rank obeys (architecture §4): one leader at a time, and never again one of an earlier epoch. */
export class EpochGate {
  #epoch = 0;
  #incumbent: Incumbent | undefined;

  /** The last granted one; 0 before any. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Who was granted it last, whether or not it still leads. */
  get leaderId(): string | undefined {
    return this.#incumbent?.claim.leaderId;
  }

  isIncumbent(stream: LeaderStream): boolean {
    return this.#incumbent?.stream === stream;
  }

  endIncumbent(why: Error): void {
    this.#incumbent?.stream.end(why);
  }

  /**
   * Grants the claim of whoever has `stream` and ends the incumbent's, or throws `epoch_refused`: the epoch must be
   * higher than the last, and the incumbent's stream closed or silent for as long as it promised never to be. A leader
   * that claims again has closed its stream, whether or not that has come through.
   */
  grant(claim: RankClaim, stream: LeaderStream): void {
    const { epoch, leaderId } = claim;
    if (epoch <= this.#epoch) {
      throw this.#refusal(claim, `epoch ${this.#epoch} was granted to ${this.leaderId ?? 'nobody'} before`);
    }
    if (this.#incumbent && leaderId !== this.leaderId && isLeading(this.#incumbent)) {
      throw this.#refusal(claim, `${this.leaderId} leads it in epoch ${this.#epoch}`);
    }
    const deposed = this.#incumbent;
    this.#epoch = epoch;
    this.#incumbent = { claim, stream };
    const message = `Epoch ${epoch} was granted to ${leaderId}.`;
    deposed?.stream.end(new ServingError('epoch_refused', message, { epoch: deposed.claim.epoch, granted: epoch }));
  }

  #refusal({ epoch, leaderId }: RankClaim, why: string): ServingError {
    const message = `The rank does not obey ${leaderId} in epoch ${epoch}: ${why}.`;
    return new ServingError('epoch_refused', message, { epoch, granted: this.#epoch });
  }
}

function isLeading({ claim, stream }: Incumbent): boolean {
  return !stream.signal.aborted && stream.silentMs < claim.silenceMs;
}
