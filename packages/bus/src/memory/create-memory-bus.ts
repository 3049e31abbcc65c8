import type { Announcement, Bus, BusState, CampaignOptions, Candidacy, Member, MemberKind } from '../bus.js';
import type { MemoryHub } from './memory-hub.js';

/** A bus among the services of one process. Buses of one hub see one another. */
export function createMemoryBus(hub: MemoryHub): Bus {
  return new MemoryBus(hub);
}

class MemoryBus implements Bus {
  readonly state: BusState = 'connected';
  readonly #hub: MemoryHub;
  readonly #closing = new AbortController();

  constructor(hub: MemoryHub) {
    this.#hub = hub;
  }

  /** There is no server to lose. */
  onStateChange(): () => void {
    return () => {};
  }

  async announce(member: Member): Promise<Announcement> {
    if (this.#closing.signal.aborted) throw new Error(`${member.id} was announced on a closed bus`);
    this.#hub.put(member);
    const withdrawal = new AbortController();
    const ended = AbortSignal.any([withdrawal.signal, this.#closing.signal]);
    ended.addEventListener('abort', () => this.#hub.remove(member));
    return {
      update: (facts) => {
        if (!ended.aborted) this.#hub.put({ ...member, facts });
      },
      withdraw: async () => withdrawal.abort(),
    };
  }

  watch(kind: MemberKind, signal: AbortSignal): AsyncIterable<readonly Member[]> {
    return this.#hub.members(kind).read(AbortSignal.any([signal, this.#closing.signal]));
  }

  campaign({ name, candidate, signal }: CampaignOptions): Candidacy {
    const lease = this.#hub.lease(name);
    const joined = lease.join(candidate);
    const ended = AbortSignal.any([signal, this.#closing.signal]);
    if (ended.aborted) lease.leave(joined);
    else ended.addEventListener('abort', () => lease.leave(joined));
    return {
      get state() {
        return joined.state.value;
      },
      [Symbol.asyncIterator]: () => joined.state.read(ended),
    };
  }

  async leaderOf(name: string): Promise<string | undefined> {
    return this.#hub.lease(name).leader;
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }
}
