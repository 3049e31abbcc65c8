import { beforeEach, describe, expect, test } from 'vitest';
import { closeAll, closingOnFailure } from './close-all.js';

let closed: string[];
beforeEach(() => {
  closed = [];
});
const part = (name: string) => ({ close: async () => void closed.push(name) });
const stuck = (name: string) => ({
  close: (): void => {
    throw new Error(`${name} is stuck`);
  },
});

describe('closeAll', () => {
  test('closes the last first', async () => {
    await closeAll([part('a'), part('b'), part('c')]);
    expect(closed).toEqual(['c', 'b', 'a']);
  });

  test('closes all, whatever fails, and tells the first failure', async () => {
    await expect(closeAll([part('a'), stuck('b'), part('c'), stuck('d')])).rejects.toThrow('d is stuck');
    expect(closed).toEqual(['c', 'a']);
  });
});

describe('closingOnFailure', () => {
  test('closes nothing that could be opened', async () => {
    expect(await closingOnFailure(async (keep) => [keep(part('a')), keep(part('b'))])).toHaveLength(2);
    expect(closed).toEqual([]);
  });

  test('closes what was opened when the next cannot be, and tells why', async () => {
    const opening = closingOnFailure(async (keep) => {
      keep(part('a'));
      keep(stuck('b'));
      keep(part('c'));
      throw new Error('no d');
    });
    await expect(opening).rejects.toThrow('no d');
    expect(closed).toEqual(['c', 'a']);
  });
});
