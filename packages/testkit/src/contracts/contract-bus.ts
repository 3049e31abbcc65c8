/** The part of a member of `@tessera/bus` that its contract suite uses. */
export interface ContractMember {
  readonly kind: 'gateway' | 'scheduler' | 'vision-encoder' | 'decoder';
  readonly id: string;
  readonly address: string;
  readonly incarnation: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

export type ContractCandidacyState = 'leading' | 'unsure' | 'following';

export interface ContractAnnouncement {
  update(facts: ContractMember['facts']): void;
  withdraw(): Promise<void>;
}

export interface ContractCandidacy extends AsyncIterable<ContractCandidacyState> {
  readonly state: ContractCandidacyState;
}

export interface ContractCampaign {
  readonly name: string;
  readonly candidate: string;
  readonly ttlMs: number;
  readonly signal: AbortSignal;
}

/** The part of `Bus` of `@tessera/bus` that its contract suite uses. */
export interface ContractBus {
  readonly state: 'connected' | 'disconnected';
  announce(member: ContractMember): Promise<ContractAnnouncement>;
  watch(kind: ContractMember['kind'], signal: AbortSignal): AsyncIterable<readonly ContractMember[]>;
  campaign(options: ContractCampaign): ContractCandidacy;
  leaderOf(name: string): Promise<string | undefined>;
  close(): Promise<void>;
}
