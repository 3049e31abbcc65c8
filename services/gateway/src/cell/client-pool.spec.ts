import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClientPool, idleMs } from './client-pool.js';

afterEach(() => void vi.useRealTimers());

function createPool() {
  const closed: string[] = [];
  const pool = new ClientPool((address) => ({ address, close: () => void closed.push(address) }));
  return { pool, closed };
}

describe('a pool of clients', () => {
  it('makes one client an address', () => {
    const { pool } = createPool();
    expect(pool.get('a')).toBe(pool.get('a'));
    expect(pool.get('a')).not.toBe(pool.get('b'));
  });

  it('closes a client whose address has left service, and makes another when it is back', async () => {
    const { pool, closed } = createPool();
    const first = pool.get('a');
    await pool.serve(['a', 'b']);
    await pool.serve(['b']);
    expect(closed).toEqual(['a']);
    expect(pool.get('a')).not.toBe(first);
  });

  it('closes a client that nobody asks for, and makes another when it is asked for', async () => {
    vi.useFakeTimers();
    const { pool, closed } = createPool();
    const first = pool.get('a');
    await vi.advanceTimersByTimeAsync(idleMs - 1);
    expect(pool.get('a')).toBe(first);
    await vi.advanceTimersByTimeAsync(idleMs - 1);
    expect(closed).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(closed).toEqual(['a']);
    expect(pool.get('a')).not.toBe(first);
  });

  it('waits for nobody once it is closed', async () => {
    vi.useFakeTimers();
    const { pool, closed } = createPool();
    pool.get('a');
    pool.get('b');
    await pool.serve(['a']);
    await pool.serve([]);
    await pool.close();
    expect([closed, vi.getTimerCount()]).toEqual([['a', 'b'], 0]);
  });

  it('keeps a client whose address was never said to be in service', async () => {
    const { pool, closed } = createPool();
    pool.get('named elsewhere');
    await pool.serve(['a']);
    await pool.serve([]);
    expect(closed).toEqual([]);
  });

  it('closes what it made in the end', async () => {
    const { pool, closed } = createPool();
    pool.get('a');
    await pool.serve(['b']);
    await pool.close();
    expect(closed).toEqual(['a']);
  });
});
