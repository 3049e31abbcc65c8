import { describe, expect, it } from 'vitest';
import { allMembersSubject, leaseBucket, memberSubject } from './subjects.js';

describe('memberSubject', () => {
  it('is one of those that say what all members of the kind say', () => {
    expect(memberSubject('main', 'decoder', 'group-0')).toBe('tessera.main.members.decoder.group-0');
    expect(allMembersSubject('main', 'decoder')).toBe('tessera.main.members.decoder.*');
  });

  for (const [id, token] of [
    ['host.example:8080', 'host%2Eexample%3A8080'],
    ['a b', 'a%20b'],
    ['*', '%2A'],
    ['>', '%3E'],
  ]) {
    it(`keeps "${id}" in one token`, () => {
      expect(memberSubject('main', 'gateway', id)).toBe(`tessera.main.members.gateway.${token}`);
    });
  }
});

describe('leaseBucket', () => {
  it('is of the cell and the lease', () => expect(leaseBucket('main', 'leader')).toBe('tessera-main-leader'));
  it('refuses a name that no bucket can have', () => {
    expect(() => leaseBucket('main', 'a.b')).toThrow('"a.b" is no name of a lease');
  });
});
