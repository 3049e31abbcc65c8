import type { NatsConnection, Subscription } from 'nats';
import type { Announcement, Member, MemberFacts } from '../bus.js';
import { formatMemberMessage, type MemberMessage } from '../members/member-message.js';
import type { ServerPulse } from './server-pulse.js';
import { memberSubject, rollCallSubject } from './subjects.js';

export interface AnnouncementContext {
  readonly nc: Pick<NatsConnection, 'subscribe' | 'publish' | 'isClosed'>;
  readonly cell: string;
  readonly pulse: Pick<ServerPulse, 'onStateChange'>;
  /** Between two messages. */
  readonly periodMs: number;
}

/** Says that a member is here: once a period, at a roll call, and when the server is back; until `signal` aborts. */
export class NatsAnnouncement implements Announcement {
  readonly #nc: AnnouncementContext['nc'];
  readonly #subject: string;
  /** Finer than a millisecond, so that two incarnations have an order. */
  readonly #announcedAtMs = performance.timeOrigin + performance.now();
  readonly #rollCalls: Subscription;
  readonly #beat: NodeJS.Timeout;
  readonly #endReturns: () => void;
  readonly #signal: AbortSignal;
  #member: Member;
  #isWithdrawn = false;

  constructor({ nc, cell, pulse, periodMs }: AnnouncementContext, member: Member, signal: AbortSignal) {
    this.#nc = nc;
    this.#member = member;
    this.#subject = memberSubject(cell, member.kind, member.id);
    this.#rollCalls = nc.subscribe(rollCallSubject(cell, member.kind), { callback: () => this.#sayHere() });
    this.#beat = setInterval(() => this.#sayHere(), periodMs);
    this.#endReturns = pulse.onStateChange((state) => {
      if (state === 'connected') this.#sayHere();
    });
    this.#signal = signal;
    signal.addEventListener('abort', this.#end);
    this.#sayHere();
  }

  update(facts: MemberFacts): void {
    if (this.#isWithdrawn) return;
    this.#member = { ...this.#member, facts };
    this.#sayHere();
  }

  async withdraw(): Promise<void> {
    this.#end();
  }

  readonly #end = (): void => {
    if (this.#isWithdrawn) return;
    this.#isWithdrawn = true;
    clearInterval(this.#beat);
    this.#rollCalls.unsubscribe();
    this.#endReturns();
    this.#signal.removeEventListener('abort', this.#end);
    this.#say('gone');
  };

  #sayHere(): void {
    this.#say('here');
  }

  #say(type: MemberMessage['type']): void {
    if (this.#nc.isClosed()) return;
    this.#nc.publish(
      this.#subject,
      formatMemberMessage({ type, member: this.#member, announcedAtMs: this.#announcedAtMs }),
    );
  }
}
