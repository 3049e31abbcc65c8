import type { KvBudget } from '../decoder/kv-capacity.js';

/** What the options say of the KV cache when nobody gives any, with these instead. */
export function createKvBudget(given: Partial<KvBudget> = {}): KvBudget {
  return {
    kv: 'float32',
    maxSequences: 16,
    maxContextLen: undefined,
    kvCacheTokens: undefined,
    kvCacheBytes: undefined,
    ...given,
  };
}
