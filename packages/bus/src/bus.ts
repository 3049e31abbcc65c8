export type MemberKind = 'gateway' | 'scheduler' | 'vision-encoder' | 'decoder';

/** What a member tells of itself beside its address, such as its group and rank. */
export type MemberFacts = Readonly<Record<string, string | number | boolean>>;

/** A process that serves in the cell. */
export interface Member {
  readonly kind: MemberKind;
  /** Unique among the members of a kind; a restarted process keeps it. */
  readonly id: string;
  /** Where its gRPC server listens. */
  readonly address: string;
  /** Unique to one life of the process. */
  readonly incarnation: string;
  readonly facts: MemberFacts;
}

/** A member that others know of, until it is withdrawn or the bus is closed. */
export interface Announcement {
  /** Replaces all facts. */
  update(facts: MemberFacts): void;
  withdraw(): Promise<void>;
}

/**
 * - `leading`: holds the lease.
 * - `unsure`: holds it, but could not renew it the last time.
 * - `following`: does not hold it: another candidate may. Also while the server is away for longer than the lease.
 */
export type CandidacyState = 'leading' | 'unsure' | 'following';

/** Reading gives the state now, then each later one, and ends with the signal; a slow reader skips to the newest. */
export interface Candidacy extends AsyncIterable<CandidacyState> {
  /** Of this very moment by the clock, also in a process that was paused and has not read on yet. */
  readonly state: CandidacyState;
}

export interface CampaignOptions {
  /** Of the lease: letters, digits, `-` and `_`. */
  readonly name: string;
  /** What `leaderOf` tells of the holder, such as its address. */
  readonly candidate: string;
  /** Time that a lease lasts without renewal; equal for all candidates of a name. */
  readonly ttlMs: number;
  /** Ends the candidacy; the lease is free at once. */
  readonly signal: AbortSignal;
}

/** `disconnected` while the server of the bus does not answer. */
export type BusState = 'connected' | 'disconnected';

/** How the processes of a cell find one another and agree on a candidate leader. */
export interface Bus {
  readonly state: BusState;
  /** Calls the listener at each change; returns what ends that. */
  onStateChange(listener: (state: BusState) => void): () => void;
  /** Makes the member known; also while disconnected: then as soon as the server is back. */
  announce(member: Member): Promise<Announcement>;
  /**
   * The members that are known now, sorted by id, then a new array at each change, until the signal ends it; a slow
   * reader skips to the newest. A member is gone when it is withdrawn, or silent while the server answers. Of two
   * incarnations the one announced later counts. While disconnected, the last known members stay.
   */
  watch(kind: MemberKind, signal: AbortSignal): AsyncIterable<readonly Member[]>;
  /** Runs for a lease. At most one candidate of a name holds it at any time, by the clocks of their machines. */
  campaign(options: CampaignOptions): Candidacy;
  /** The candidate that holds the lease; undefined when none does. Throws when the server does not answer. */
  leaderOf(name: string): Promise<string | undefined>;
  /** Withdraws all announcements, resigns all leases and ends all watches. */
  close(): Promise<void>;
}
