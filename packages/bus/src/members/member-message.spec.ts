import { describe, expect, it } from 'vitest';
import { formatMemberMessage, type MemberMessage, parseMemberMessage } from './member-message.js';

const message: MemberMessage = {
  type: 'here',
  member: { kind: 'decoder', id: 'd-0', address: '10.0.0.1:9000', incarnation: 'i1', facts: { rank: 1, warm: true } },
  announcedAtMs: 1_000,
};

describe('parseMemberMessage', () => {
  it('reads what formatMemberMessage wrote', () => {
    expect(parseMemberMessage(formatMemberMessage(message))).toEqual(message);
  });

  it('leaves out fields of later versions', () => {
    const later = { ...message, member: { ...message.member, zone: 'a' }, load: 3 };
    expect(parseMemberMessage(JSON.stringify(later))).toEqual(message);
  });

  const others = {
    'no JSON': '{',
    'another type': JSON.stringify({ ...message, type: 'leaving' }),
    'another kind': JSON.stringify({ ...message, member: { ...message.member, kind: 'scribe' } }),
    'no incarnation': JSON.stringify({ ...message, member: { ...message.member, incarnation: undefined } }),
    'a fact that is a list': JSON.stringify({ ...message, member: { ...message.member, facts: { ranks: [1] } } }),
  };
  for (const [title, text] of Object.entries(others)) {
    it(`passes over a message with ${title}`, () => expect(parseMemberMessage(text)).toBeUndefined());
  }
});
