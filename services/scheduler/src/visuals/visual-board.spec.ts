import {
  type EmbeddingKey,
  EventQueue,
  embeddingKey,
  type Request,
  requestId,
  type SchedulerEvent,
} from '@tessera/domain';
import { createVisualRequest } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Sequence } from '../sequence.js';
import { VisualBoard } from './visual-board.js';

type Asked = Extract<SchedulerEvent, { kind: 'encodeHere' }>;

const [cat, dog] = ['cat', 'dog'].map(embeddingKey) as [EmbeddingKey, EmbeddingKey];
const nothing = { ready: [], evicted: [], failed: [], numPendingPatches: 0 };

describe('VisualBoard', () => {
  let board: VisualBoard;
  /** What is ready for whom, and who failed, in order. */
  let heard: string[];
  let asked: (Asked & { readonly by: string })[];
  let live: Set<Sequence>;
  let numArrivals: number;

  const start = (maxEncoderPatches = 1000): void => {
    heard = [];
    asked = [];
    live = new Set();
    numArrivals = 0;
    board = new VisualBoard({
      maxEncoderPatches,
      onReady: ({ request }, key) => heard.push(`${key} for ${request.requestId}`),
      onFailed: (sequence, { message }) => {
        heard.push(`${sequence.request.requestId}: ${message}`);
        leave(sequence);
      },
    });
  };
  beforeEach(() => start());
  afterEach(() => {
    for (const sequence of live) board.leave(sequence);
    board.checkIntegrity();
    expect(board.numWanted).toBe(0);
  });

  /** An encoder whose cache holds so many tokens of 16 bytes. */
  const addEncoder = (address = 'encoder', capacityTokens = 100): void =>
    board.addEncoder({
      address,
      description: { modelRevision: 'fake', hiddenSize: 4, cacheBytes: 16 * capacityTokens },
    });
  /** Needs pictures of 4 tokens and 16 patches each. */
  const need = (name: string, keys: readonly string[], given: Partial<Request> = {}): Sequence => {
    const events = new EventQueue<SchedulerEvent>();
    events.push = (event) => {
      if (event.kind === 'encodeHere') asked.push({ ...event, by: name });
    };
    const request = createVisualRequest(keys, { requestId: requestId(name), ...given });
    const sequence = new Sequence(request, events, numArrivals++);
    live.add(sequence);
    board.need(sequence, sequence.visuals);
    return sequence;
  };
  const leave = (sequence: Sequence): void => {
    live.delete(sequence);
    board.leave(sequence);
  };
  const ready = (key: EmbeddingKey, address = 'encoder') => board.update(address, { ...nothing, ready: [key] });
  const asks = () =>
    asked.splice(0).map(({ by, mediaIndex, encoderAddress }) => `${by}/${mediaIndex} ${encoderAddress}`);

  test('asks for what nobody holds, and tells when it can be fetched', () => {
    addEncoder();
    const sequence = need('a', ['cat', 'dog']);
    expect(asked.map(({ ticket }) => ticket)).toEqual(['a/0/0/0/0', 'a/0/0/1/1']);
    ready(dog);
    ready(cat);
    expect(heard).toEqual(['dog for a', 'cat for a']);
    expect(board.holderOf(cat)).toBe('encoder');
    expect(board.covers(sequence, sequence.visuals)).toBe(true);
  });

  test('asks for nothing that an encoder holds', () => {
    addEncoder();
    ready(cat);
    need('a', ['cat']);
    expect([asks(), heard]).toEqual([[], ['cat for a']]);
  });

  test('gives one job for all who need the same, and tells all of them', () => {
    addEncoder();
    for (const name of ['a', 'b', 'c']) need(name, ['cat']);
    expect(asks()).toEqual(['a/0 encoder']);
    ready(cat);
    expect(heard).toEqual(['cat for a', 'cat for b', 'cat for c']);
  });

  test('waits for an encoder', () => {
    need('a', ['cat']);
    expect(asks()).toEqual([]);
    addEncoder();
    expect(asks()).toEqual(['a/0 encoder']);
  });

  describe('room in the caches', () => {
    test('is given for all pictures of a sequence or for none, until decoders have them', () => {
      addEncoder('encoder', 12);
      const first = need('a', ['cat', 'dog']);
      const second = need('b', ['owl', 'fox']);
      expect(asks()).toEqual(['a/0 encoder', 'a/1 encoder']);
      expect(board.covers(second, second.visuals)).toBe(false);
      board.fetched(first, cat);
      expect(asks()).toEqual(['b/0 encoder', 'b/1 encoder']);
      expect(board.covers(second, second.visuals)).toBe(true);
    });

    test('is shared by those with the same picture', () => {
      addEncoder('encoder', 8);
      for (const name of ['a', 'b', 'c']) need(name, ['cat', 'dog']);
      for (const sequence of live) expect(board.covers(sequence, sequence.visuals)).toBe(true);
      expect(asks()).toEqual(['a/0 encoder', 'a/1 encoder']);
    });

    test('is given in turns to tenants, and to nobody who would overtake', () => {
      addEncoder('encoder', 4);
      const [first] = ['a1', 'a2', 'b1', 'b2'].map((name) => need(name, [name], { tenant: name[0]! }));
      const order = [asks()];
      let [current] = [first!];
      for (let i = 0; i < 3; i++) {
        leave(current);
        order.push(asks());
        current = [...live].find((sequence) => board.covers(sequence, sequence.visuals))!;
      }
      expect(order.flat()).toEqual(['a1/0 encoder', 'b1/0 encoder', 'a2/0 encoder', 'b2/0 encoder']);
    });

    test('is free again when the sequence leaves, be it still waiting for it', () => {
      addEncoder('encoder', 4);
      const [first, second] = [need('a', ['cat']), need('b', ['dog'])];
      leave(second);
      leave(first);
      expect(asks()).toEqual(['a/0 encoder']);
      need('c', ['owl']);
      expect(asks()).toEqual(['c/0 encoder']);
    });

    test('is found by one whose rank changed while it waited, and kept for nobody', () => {
      addEncoder('encoder', 4);
      const [first, second] = [need('a', ['cat']), need('b', ['dog'])];
      second.isSuspect = true;
      leave(second);
      leave(first);
      need('c', ['owl']);
      expect(asks()).toEqual(['a/0 encoder', 'c/0 encoder']);
    });
  });

  describe('work', () => {
    test('goes to the encoder with the least to do', () => {
      for (const address of ['first', 'second']) addEncoder(address);
      for (const name of ['a', 'b', 'c', 'd']) need(name, [name]);
      expect(asks()).toEqual(['a/0 first', 'b/0 second', 'c/0 first', 'd/0 second']);
      ready(embeddingKey('b'), 'second');
      need('e', ['e']);
      expect(asks()).toEqual(['e/0 second']);
    });

    test('is given to an encoder up to its patches at a time, in turns between tenants', () => {
      start(32);
      addEncoder();
      need('a1', ['1', '2', '3', '4'], { tenant: 'a' });
      need('b1', ['5', '6'], { tenant: 'b' });
      const given = [asks()];
      for (const key of ['1', '2', '5', '3', '6', '4']) {
        ready(embeddingKey(key));
        given.push(asks());
      }
      expect(given.flat().map((ask) => ask.slice(0, 4))).toEqual(['a1/0', 'a1/1', 'b1/0', 'a1/2', 'b1/1', 'a1/3']);
    });

    test('comes up with the foremost who waits for it, whoever asked first', () => {
      start(16);
      addEncoder();
      need('a', ['cat']);
      for (const name of ['dog', 'owl']) need(name, [name], { class: 'batch' });
      need('b', ['owl']);
      for (const key of ['cat', 'owl', 'dog']) ready(embeddingKey(key));
      expect(asks()).toEqual(['a/0 encoder', 'owl/0 encoder', 'dog/0 encoder']);
    });

    test('comes up with those who still wait for it when the foremost has left', () => {
      start(16);
      addEncoder();
      need('a', ['cat']);
      need('b', ['dog'], { class: 'batch' });
      const foremost = need('c', ['dog']);
      need('d', ['owl']);
      leave(foremost);
      for (const key of ['cat', 'owl', 'dog']) ready(embeddingKey(key));
      expect(asks()).toEqual(['a/0 encoder', 'd/0 encoder', 'b/0 encoder']);
    });

    test('that failed comes up again with the foremost who waits for it by then', () => {
      start(16);
      addEncoder();
      need('a', ['cat'], { class: 'batch' });
      need('b', ['dog']);
      need('c', ['cat'], { priority: 1 });
      board.update('encoder', { ...nothing, failed: [{ ticket: asked[0]!.ticket, embeddingKey: cat }] });
      ready(cat);
      expect(asks()).toEqual(['a/0 encoder', 'a/0 encoder', 'b/0 encoder']);
    });

    test('that is larger than all an encoder may have goes to one that has nothing', () => {
      start(10);
      addEncoder();
      need('a', ['cat', 'dog']);
      expect(asks()).toEqual(['a/0 encoder']);
      ready(cat);
      expect(asks()).toEqual(['a/1 encoder']);
    });

    test('of an encoder that is gone is given to another, or waits for one', () => {
      addEncoder('first');
      need('a', ['cat']);
      board.removeEncoder('first');
      expect(asks()).toEqual(['a/0 first']);
      addEncoder('second');
      expect(asks()).toEqual(['a/0 second']);
      ready(cat, 'first');
      expect(heard).toEqual([]);
    });

    test('is asked of the next one when the one who was asked leaves', () => {
      addEncoder();
      const [first] = [need('a', ['cat']), need('b', ['cat'])];
      leave(first);
      expect(asks()).toEqual(['a/0 encoder', 'b/0 encoder']);
    });

    test('is not asked again when one leaves that was not asked', () => {
      addEncoder();
      const [, second] = [need('a', ['cat']), need('b', ['cat'])];
      leave(second!);
      expect(asks()).toEqual(['a/0 encoder']);
    });

    test('that failed is given again, up to a limit, then asked of the next', () => {
      addEncoder();
      need('a', ['cat']);
      need('b', ['cat']);
      for (let i = 0; i < 4; i++) {
        const { ticket } = asked.at(-1)!;
        board.update('encoder', { ...nothing, failed: [{ ticket, embeddingKey: cat }] });
      }
      expect(heard).toEqual(['a: Encoding the visual 0 failed 4 times.']);
      expect(asks()).toEqual([...new Array(4).fill('a/0 encoder'), 'b/0 encoder']);
    });

    test('is not given again for a ticket that is closed', () => {
      addEncoder();
      need('a', ['cat']);
      const { ticket } = asked[0]!;
      ready(cat);
      board.update('encoder', { ...nothing, failed: [{ ticket, embeddingKey: cat }] });
      expect(asks()).toEqual(['a/0 encoder']);
    });

    test('is done again for who was let in when its embedding was evicted or missed', () => {
      addEncoder();
      const sequence = need('a', ['cat']);
      ready(cat);
      board.update('encoder', { ...nothing, evicted: [cat] });
      board.need(sequence, sequence.visuals);
      ready(cat);
      board.reportMiss('encoder', cat);
      board.need(sequence, sequence.visuals);
      expect(asks()).toEqual(new Array(3).fill('a/0 encoder'));
      expect(heard).toEqual(['cat for a', 'cat for a']);
    });
  });

  test('says how many visual tokens one request may have: what the largest cache holds', () => {
    expect(board.maxVisualTokens).toBeUndefined();
    addEncoder('first', 10);
    addEncoder('second', 20);
    expect(board.maxVisualTokens).toBe(20);
  });
});
