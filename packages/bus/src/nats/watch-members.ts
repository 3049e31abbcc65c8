import type { NatsConnection } from 'nats';
import type { Member, MemberKind } from '../bus.js';
import { LatestValue } from '../latest-value.js';
import { parseMemberMessage } from '../members/member-message.js';
import { Roster } from '../members/roster.js';
import type { ServerPulse } from './server-pulse.js';
import { allMembersSubject, rollCallSubject } from './subjects.js';

export interface WatchContext {
  readonly nc: Pick<NatsConnection, 'subscribe' | 'publish'>;
  readonly cell: string;
  readonly pulse: Pick<ServerPulse, 'onAnswer' | 'onStateChange'>;
}

/** The members of a kind, as `Bus.watch` says. Silence counts only in periods in which the server answered. */
export async function* watchMembers(
  { nc, cell, pulse }: WatchContext,
  kind: MemberKind,
  signal: AbortSignal,
): AsyncGenerator<readonly Member[], void> {
  const roster = new Roster();
  const latest = new LatestValue(roster.members);
  const tell = (isChanged: boolean) => {
    if (isChanged) latest.set(roster.members);
  };
  const subscription = nc.subscribe(allMembersSubject(cell, kind), {
    callback: (_, { data }) => {
      const message = parseMemberMessage(new TextDecoder().decode(data));
      if (message?.member.kind === kind) tell(roster.hear(message));
    },
  });
  const callRoll = () => nc.publish(rollCallSubject(cell, kind));
  const endPeriods = pulse.onAnswer(() => tell(roster.endPeriod()));
  const endReturns = pulse.onStateChange((state) => {
    if (state === 'disconnected') return;
    roster.forgetSilence();
    callRoll();
  });
  callRoll();
  try {
    yield* latest.read(signal);
  } finally {
    endPeriods();
    endReturns();
    subscription.unsubscribe();
  }
}
