import { ServingError } from '@tessera/domain';
import type { TextConfig } from '@tessera/qwen2-5-vl';
import { type KvBudget, kvBytesPerToken } from './kv-capacity.js';

/** Room for a question about a picture and its answer; a server that holds less can answer next to nothing. */
const minTokens = 512;

/** Throws `invalid_option` for a KV cache of `numTokens` positions in which not even one short conversation fits. */
export function assertKvCapacity(numTokens: number, text: TextConfig, budget: KvBudget): void {
  const limit = Math.min(minTokens, budget.maxContextLen ?? minTokens, text.maxPositionEmbeddings);
  if (numTokens >= limit) return;
  const { kv, kvCacheTokens, kvCacheBytes } = budget;
  const option = kvCacheTokens === undefined ? '--kv-cache-bytes' : '--kv-cache-tokens';
  const given = kvCacheTokens ?? kvCacheBytes;
  const source = given === undefined ? 'A quarter of the free memory' : `${option} ${given}`;
  const minBytes = limit * kvBytesPerToken(text, kv);
  throw new ServingError(
    'invalid_option',
    `${source} makes a KV cache of ${numTokens} positions; it must hold at least ${limit}, which take ${minBytes} bytes.`,
    { option, limit: kvCacheTokens === undefined ? minBytes : limit, given },
  );
}
