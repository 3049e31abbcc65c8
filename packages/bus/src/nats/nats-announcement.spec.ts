import { EventEmitter, getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BusState, Member } from '../bus.js';
import { parseMemberMessage } from '../members/member-message.js';
import { type AnnouncementContext, NatsAnnouncement } from './nats-announcement.js';

const gateway: Member = { kind: 'gateway', id: 'g', address: 'host:1', incarnation: 'g1', facts: {} };
const periodMs = 100;

describe('NatsAnnouncement', () => {
  let events: EventEmitter<{ state: [BusState]; rollCall: [] }>;
  let said: string[];
  let closing: AbortController;
  let announcement: NatsAnnouncement;

  beforeEach(() => {
    vi.useFakeTimers();
    events = new EventEmitter();
    said = [];
    closing = new AbortController();
    const context = { nc: fakeConnection(), cell: 'main', pulse: { onStateChange }, periodMs };
    announcement = new NatsAnnouncement(context, gateway, closing.signal);
  });
  afterEach(() => vi.useRealTimers());

  const onStateChange = (listener: (state: BusState) => void) => {
    events.on('state', listener);
    return () => events.off('state', listener);
  };
  const fakeConnection = () => {
    const connection: Record<keyof AnnouncementContext['nc'], unknown> = {
      isClosed: () => false,
      publish: (_: string, text: string) => {
        const { type, member } = parseMemberMessage(text)!;
        said.push([type, ...Object.values(member.facts)].join(' '));
      },
      subscribe: (_: string, { callback }: { callback: () => void }) => {
        events.on('rollCall', callback);
        return { unsubscribe: () => events.off('rollCall', callback) };
      },
    };
    return connection as AnnouncementContext['nc'];
  };
  const giveReasons = () => {
    vi.advanceTimersByTime(periodMs);
    events.emit('rollCall');
    events.emit('state', 'disconnected');
    events.emit('state', 'connected');
  };

  it('is said at once, once a period, at a roll call and when the server is back', () => {
    expect(said).toEqual(['here']);
    giveReasons();
    expect(said).toEqual(['here', 'here', 'here', 'here']);
  });

  it('has other facts from an update on', () => {
    announcement.update({ zone: 'a' });
    events.emit('rollCall');
    expect(said).toEqual(['here', 'here a', 'here a']);
  });

  const ends: readonly (readonly [title: string, end: () => unknown])[] = [
    ['it is withdrawn', () => announcement.withdraw()],
    ['the bus is closed', () => closing.abort()],
  ];
  for (const [title, end] of ends) {
    it(`ends once when ${title}, and leaves nothing behind`, async () => {
      await end();
      giveReasons();
      announcement.update({ zone: 'a' });
      await announcement.withdraw();
      closing.abort();
      expect(said).toEqual(['here', 'gone']);
      expect([...events.eventNames(), ...getEventListeners(closing.signal, 'abort')]).toEqual([]);
      expect(vi.getTimerCount()).toBe(0);
    });
  }
});
