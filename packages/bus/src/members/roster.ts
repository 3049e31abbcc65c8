import { isDeepStrictEqual } from 'node:util';
import type { Member } from '../bus.js';
import type { MemberMessage } from './member-message.js';

interface Entry {
  readonly member: Member;
  readonly announcedAtMs: number;
  numSilentPeriods: number;
}

/** Messages that a member sends in the time after which a silent one is gone. */
export const numPeriodsPerTtl = 3;

/** The members of a kind, from what they say. Each method returns whether that changed who they are. */
export class Roster {
  readonly #entries = new Map<string, Entry>();

  /** Sorted by id. */
  get members(): readonly Member[] {
    const members = [...this.#entries.values()].map(({ member }) => member);
    return members.sort((left, right) => (left.id < right.id ? -1 : 1));
  }

  hear({ type, member, announcedAtMs }: MemberMessage): boolean {
    const known = this.#entries.get(member.id);
    if (type === 'gone') return known?.member.incarnation === member.incarnation && this.#entries.delete(member.id);
    if (known !== undefined && isOutlived(member, announcedAtMs, known)) return false;
    this.#entries.set(member.id, { member, announcedAtMs, numSilentPeriods: 0 });
    return !isDeepStrictEqual(known?.member, member);
  }

  /** A period has passed in which messages could arrive. */
  endPeriod(): boolean {
    const numBefore = this.#entries.size;
    for (const [id, entry] of this.#entries) {
      entry.numSilentPeriods += 1;
      // The last message may have come anywhere in the first of these periods.
      if (entry.numSilentPeriods > numPeriodsPerTtl) this.#entries.delete(id);
    }
    return this.#entries.size !== numBefore;
  }

  /** Messages could not arrive for a time: silence until now tells nothing. */
  forgetSilence(): void {
    for (const entry of this.#entries.values()) entry.numSilentPeriods = 0;
  }
}

/** An incarnation that was paused goes on speaking after a later one has taken its place. */
function isOutlived(member: Member, announcedAtMs: number, known: Entry): boolean {
  return member.incarnation !== known.member.incarnation && announcedAtMs < known.announcedAtMs;
}
