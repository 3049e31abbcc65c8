import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import type { BusState, Member } from '../bus.js';
import { formatMemberMessage } from '../members/member-message.js';
import { type WatchContext, watchMembers } from './watch-members.js';

const gateway: Member = { kind: 'gateway', id: 'g', address: 'host:1', incarnation: 'g1', facts: {} };

describe('watchMembers', () => {
  const events = new EventEmitter<{ state: [BusState]; answer: []; message: [Uint8Array] }>();
  let published: string[];
  let reader: AsyncGenerator<readonly Member[], void>;
  let ending: AbortController;

  beforeEach(() => {
    events.removeAllListeners();
    published = [];
    ending = new AbortController();
    reader = watchMembers({ nc: fakeConnection(), cell: 'main', pulse: fakePulse() }, 'gateway', ending.signal);
  });

  const fakePulse = () => ({
    onAnswer: (listener: () => void) => addListener('answer', listener),
    onStateChange: (listener: (state: BusState) => void) => addListener('state', listener),
  });
  const addListener = (name: 'answer' | 'state', listener: (state: BusState) => void) => {
    events.on(name, listener);
    return () => events.off(name, listener);
  };
  const fakeConnection = () => {
    const connection: Record<keyof WatchContext['nc'], unknown> = {
      publish: (subject: string) => published.push(subject),
      subscribe: (_: string, { callback }: { callback: (error: null, message: { data: Uint8Array }) => void }) => {
        const listener = (data: Uint8Array) => callback(null, { data });
        events.on('message', listener);
        return { unsubscribe: () => events.off('message', listener) };
      },
    };
    return connection as WatchContext['nc'];
  };
  const say = (text: string) => events.emit('message', new TextEncoder().encode(text));
  const sayHere = (member: Member) => say(formatMemberMessage({ type: 'here', member, announcedAtMs: 1 }));
  const answer = (numPeriods: number) => {
    for (let period = 0; period < numPeriods; period++) events.emit('answer');
  };
  const next = async () => (await reader.next()).value;

  it('asks who is there when it begins, and again when the server is back', async () => {
    await next();
    expect(published).toEqual(['tessera.main.roll-call.gateway']);
    events.emit('state', 'disconnected');
    events.emit('state', 'connected');
    expect(published).toHaveLength(2);
  });

  it('hears members of its kind, and passes over anything else', async () => {
    await next();
    say('nonsense');
    sayHere({ ...gateway, kind: 'decoder', id: 'd' });
    sayHere(gateway);
    expect(await next()).toEqual([gateway]);
  });

  it('misses a member that is silent while the server answers', async () => {
    await next();
    sayHere(gateway);
    expect(await next()).toEqual([gateway]);
    answer(4);
    expect(await next()).toEqual([]);
  });

  it('gives members their whole time again when the server is back', async () => {
    await next();
    sayHere(gateway);
    expect(await next()).toEqual([gateway]);
    answer(3);
    events.emit('state', 'disconnected');
    events.emit('state', 'connected');
    answer(3);
    sayHere({ ...gateway, id: 'h' });
    expect(await next()).toEqual([gateway, { ...gateway, id: 'h' }]);
  });

  it('leaves no listener behind', async () => {
    await next();
    expect(events.eventNames().sort()).toEqual(['answer', 'message', 'state']);
    ending.abort();
    await next();
    expect(events.eventNames()).toEqual([]);
  });
});
