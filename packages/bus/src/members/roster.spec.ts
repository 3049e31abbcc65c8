import { beforeEach, describe, expect, it } from 'vitest';
import type { Member } from '../bus.js';
import { numPeriodsPerTtl, Roster } from './roster.js';

const first: Member = { kind: 'decoder', id: 'a', address: 'host:1', incarnation: 'a1', facts: { rank: 0 } };
const second: Member = { ...first, id: 'b', incarnation: 'b1' };
const here = (member: Member, announcedAtMs = 100) => ({ type: 'here', member, announcedAtMs }) as const;
const gone = (member: Member) => ({ type: 'gone', member, announcedAtMs: 100 }) as const;

describe('Roster', () => {
  let roster: Roster;
  const endPeriods = (numPeriods: number) => Array.from({ length: numPeriods }, () => roster.endPeriod());
  beforeEach(() => {
    roster = new Roster();
  });

  it('sorts members by id, whoever came first', () => {
    expect([roster.hear(here(second)), roster.hear(here(first))]).toEqual([true, true]);
    expect(roster.members).toEqual([first, second]);
  });

  it('is not changed by a member that says the same again', () => {
    roster.hear(here(first));
    expect(roster.hear(here({ ...first, facts: { rank: 0 } }))).toBe(false);
  });

  it('takes new facts of a member', () => {
    roster.hear(here(first));
    expect(roster.hear(here({ ...first, facts: { rank: 1 } }))).toBe(true);
    expect(roster.members).toEqual([{ ...first, facts: { rank: 1 } }]);
  });

  it('drops a member that says it is gone', () => {
    roster.hear(here(first));
    expect([roster.hear(gone(first)), roster.hear(gone(first))]).toEqual([true, false]);
    expect(roster.members).toEqual([]);
  });

  describe('with a later incarnation', () => {
    const later: Member = { ...first, incarnation: 'a2', address: 'host:2' };
    beforeEach(() => {
      roster.hear(here(first, 100));
      roster.hear(here(later, 200));
    });

    it('has it in the place of the former', () => expect(roster.members).toEqual([later]));

    it('does not go back when the former speaks or goes', () => {
      expect([roster.hear(here(first, 100)), roster.hear(gone(first))]).toEqual([false, false]);
      expect(roster.members).toEqual([later]);
    });

    it('has the former again when only that is left', () => {
      roster.hear(gone(later));
      roster.hear(here(first, 100));
      expect(roster.members).toEqual([first]);
    });
  });

  it('drops a member after one period more than its silence may last', () => {
    roster.hear(here(first));
    expect(endPeriods(numPeriodsPerTtl)).toEqual([false, false, false]);
    expect(roster.endPeriod()).toBe(true);
    expect(roster.members).toEqual([]);
  });

  it('keeps a member that speaks in every third period', () => {
    for (let round = 0; round < 3; round++) {
      roster.hear(here(first));
      endPeriods(numPeriodsPerTtl);
    }
    expect(roster.members).toEqual([first]);
  });

  it('gives members their whole time again after silence that told nothing', () => {
    roster.hear(here(first));
    endPeriods(numPeriodsPerTtl);
    roster.forgetSilence();
    expect(endPeriods(numPeriodsPerTtl)).toEqual([false, false, false]);
    expect(roster.members).toEqual([first]);
  });
});
