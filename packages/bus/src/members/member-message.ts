import { z } from 'zod';
import type { Member } from '../bus.js';

const memberSchema = z.object({
  kind: z.enum(['gateway', 'scheduler', 'vision-encoder', 'decoder']),
  id: z.string(),
  address: z.string(),
  incarnation: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

const messageSchema = z.object({
  type: z.enum(['here', 'gone']),
  member: memberSchema,
  /** Wall clock of the member's machine when this incarnation was announced: the later of two incarnations counts. */
  announcedAtMs: z.number(),
});

/** What a member says of itself: again and again that it is here, and at its end that it is gone. */
export interface MemberMessage {
  readonly type: 'here' | 'gone';
  readonly member: Member;
  readonly announcedAtMs: number;
}

export function formatMemberMessage(message: MemberMessage): string {
  return JSON.stringify(message);
}

/** Undefined for anything that is no such message; fields of later versions are left out. */
export function parseMemberMessage(text: string): MemberMessage | undefined {
  try {
    return messageSchema.parse(JSON.parse(text));
  } catch {
    // Anybody may publish on the subject; what is no message tells nothing of a member.
    return undefined;
  }
}
