import { createHash } from 'node:crypto';
import { type BlockHash, blockHash } from '@tessera/domain';

/** What keeps equal pages apart: tenants share none, unless both tenant and salt are the same. */
export interface HashSalt {
  /** Digest of the checkpoint's content. */
  readonly modelRevision: string;
  readonly tenant: string;
  readonly salt: string;
}

/** Parent of a sequence's first page: SHA-256 over the JSON array ["prefix", model revision, tenant, salt]. */
export function rootHash({ modelRevision, tenant, salt }: HashSalt): BlockHash {
  const content = JSON.stringify(['prefix', modelRevision, tenant, salt]);
  return blockHash(createHash('sha256').update(content).digest('hex'));
}
