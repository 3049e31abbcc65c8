import type { Member, MemberKind } from '../bus.js';
import { LatestValue } from '../latest-value.js';
import { MemoryLease } from './memory-lease.js';

/** What the buses of one process have in common, in the place of a server. */
export class MemoryHub {
  readonly #members = new Map<MemberKind, LatestValue<readonly Member[]>>();
  readonly #leases = new Map<string, MemoryLease>();

  /** Of a kind, sorted by id. */
  members(kind: MemberKind): LatestValue<readonly Member[]> {
    return getOrCreate(this.#members, kind, () => new LatestValue<readonly Member[]>([]));
  }

  lease(name: string): MemoryLease {
    return getOrCreate(this.#leases, name, () => new MemoryLease());
  }

  /** In the place of whoever has its id. */
  put(member: Member): void {
    const members = this.members(member.kind);
    const others = members.value.filter(({ id }) => id !== member.id);
    members.set([...others, member].sort((left, right) => (left.id < right.id ? -1 : 1)));
  }

  /** Does nothing when another incarnation has taken its place. */
  remove({ kind, incarnation }: Member): void {
    const members = this.members(kind);
    if (!members.value.some((member) => member.incarnation === incarnation)) return;
    members.set(members.value.filter((member) => member.incarnation !== incarnation));
  }
}

function getOrCreate<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const created = create();
  map.set(key, created);
  return created;
}
