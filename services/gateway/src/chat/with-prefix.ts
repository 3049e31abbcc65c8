import type { Request } from '@tessera/domain';
import { rootHash } from '@tessera/kv';
import { charactersOf, type TextDesk } from '../text/text-desk.js';

export interface PrefixOptions {
  /** Beside model and tenant, what keeps the cached pages of one client from another. */
  readonly salt: string;
  /** Positions a page of the cell. */
  readonly pageLen: number;
}

/** The request with the hashes under which the pages of its prompt are found and kept; a long prompt's are made in a thread. */
export async function withPrefix(
  request: Request,
  { salt, pageLen }: PrefixOptions,
  texts: TextDesk,
  signal: AbortSignal,
): Promise<Request> {
  const { modelRevision, tenant, tokenIds, segments, positions } = request;
  const root = rootHash({ modelRevision, tenant, salt });
  const errand = { numCharacters: charactersOf(tokenIds.length), signal };
  const prefix = await texts.run('hashPrefix', [{ tokenIds, segments, positions }, root, pageLen], errand);
  return Object.freeze({ ...request, prefix });
}
