import type { NatsConnection, Subscription } from 'nats';
import type { Announcement, Member, MemberFacts } from '../bus.js';
import { formatMemberMessage, type MemberMessage } from '../members/member-message.js';
import { memberSubject, rollCallSubject } from './subjects.js';

/** Says that a member is here: once a period, at a roll call, and when it is told to. */
export class NatsAnnouncement implements Announcement {
  readonly #nc: NatsConnection;
  readonly #subject: string;
  /** Finer than a millisecond, so that two incarnations have an order. */
  readonly #announcedAtMs = performance.timeOrigin + performance.now();
  readonly #rollCalls: Subscription;
  readonly #beat: NodeJS.Timeout;
  #member: Member;
  #isWithdrawn = false;

  constructor(nc: NatsConnection, cell: string, member: Member, periodMs: number) {
    this.#nc = nc;
    this.#member = member;
    this.#subject = memberSubject(cell, member.kind, member.id);
    this.#rollCalls = nc.subscribe(rollCallSubject(cell, member.kind), { callback: () => this.sayHere() });
    this.#beat = setInterval(() => this.sayHere(), periodMs);
    this.sayHere();
  }

  sayHere(): void {
    if (!this.#isWithdrawn) this.#say('here');
  }

  update(facts: MemberFacts): void {
    this.#member = { ...this.#member, facts };
    this.sayHere();
  }

  async withdraw(): Promise<void> {
    if (this.#isWithdrawn) return;
    this.#isWithdrawn = true;
    clearInterval(this.#beat);
    this.#rollCalls.unsubscribe();
    this.#say('gone');
  }

  #say(type: MemberMessage['type']): void {
    if (this.#nc.isClosed()) return;
    this.#nc.publish(
      this.#subject,
      formatMemberMessage({ type, member: this.#member, announcedAtMs: this.#announcedAtMs }),
    );
  }
}
