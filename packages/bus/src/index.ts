export type {
  Announcement,
  Bus,
  BusState,
  CampaignOptions,
  Candidacy,
  CandidacyState,
  Member,
  MemberFacts,
  MemberKind,
} from './bus.js';
export { createMemoryBus } from './memory/create-memory-bus.js';
export { MemoryHub } from './memory/memory-hub.js';
export { createNatsBus, type NatsBusOptions } from './nats/create-nats-bus.js';
export type { NatsTls } from './nats/tls-options.js';
