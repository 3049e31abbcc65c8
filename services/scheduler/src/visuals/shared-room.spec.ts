import { EventQueue, embeddingKey } from '@tessera/domain';
import { createVisualRequest, SeededRandom } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { Sequence } from '../sequence.js';
import { SharedRoom } from './shared-room.js';

const cat = embeddingKey('cat');
let numSequences = 0;
/** A sequence with pictures of four tokens each. */
const sequenceWith = (...keys: readonly string[]): Sequence =>
  new Sequence(createVisualRequest(keys), new EventQueue(), numSequences++);
const reserve = (room: SharedRoom, sequence: Sequence, capacityTokens = 8): boolean =>
  room.reserve(sequence, sequence.visuals, capacityTokens);

describe('SharedRoom', () => {
  test('gives room for all of a sequence or for nothing', () => {
    const room = new SharedRoom();
    expect(reserve(room, sequenceWith('cat'))).toBe(true);
    expect(reserve(room, sequenceWith('dog', 'owl'))).toBe(false);
    expect(room.numTokens).toBe(4);
    expect(reserve(room, sequenceWith('dog'))).toBe(true);
  });

  test('is shared by those with the same embedding, and free when the last has left', () => {
    const room = new SharedRoom();
    const [first, second] = [sequenceWith('cat', 'cat'), sequenceWith('cat', 'dog')];
    for (const sequence of [first, second]) expect(reserve(room, sequence)).toBe(true);
    expect(room.numTokens).toBe(8);
    expect(room.usersOf(cat)).toEqual([first, second]);
    expect([room.release(first, cat), room.release(first, cat), room.release(second, cat)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(room.numTokens).toBe(4);
  });

  test('lets in whoever needs nothing more, be it full', () => {
    const room = new SharedRoom();
    reserve(room, sequenceWith('cat', 'dog'));
    expect(reserve(room, sequenceWith('dog', 'cat'))).toBe(true);
    expect(reserve(room, sequenceWith())).toBe(true);
  });

  test('lets in one that is larger than all of it when it is empty', () => {
    const room = new SharedRoom();
    expect(reserve(room, sequenceWith('cat', 'dog', 'owl'))).toBe(true);
    expect(reserve(room, sequenceWith('fox'))).toBe(false);
  });

  test('counts right, whoever comes and goes', () => {
    const random = new SeededRandom(6);
    const room = new SharedRoom();
    const inside = new Set<Sequence>();
    for (let i = 0; i < 500; i++) {
      if (random.uniform() < 0.5 && inside.size > 0) {
        const leaving = random.pick([...inside]);
        for (const { embeddingKey: key } of leaving.visuals) room.release(leaving, key);
        inside.delete(leaving);
      } else {
        const keys = Array.from({ length: random.integer(0, 3) }, () => random.pick(['a', 'b', 'c', 'd', 'e']));
        const coming = sequenceWith(...keys);
        if (reserve(room, coming, 16)) inside.add(coming);
      }
      const held = new Set([...inside].flatMap(({ visuals }) => visuals.map((visual) => visual.embeddingKey)));
      expect(room.numTokens).toBe(4 * held.size);
      expect(room.numTokens).toBeLessThanOrEqual(16);
    }
  });
});
