import { describe, expect, it } from 'vitest';
import { ClientPool } from './client-pool.js';

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
