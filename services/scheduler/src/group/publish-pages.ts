import type { BlockHash, PageId } from '@tessera/domain';
import { hashBlock } from '@tessera/kv';
import type { Residence, Sequence } from '../sequence.js';
import { type GroupState, residenceOf } from './group-state.js';

/** Lets others find the pages that a sequence has filled since the last time; nothing when it keeps out of the cache. */
export function publishPages(group: GroupState, sequence: Sequence): void {
  const { prefix } = sequence.request;
  if (prefix?.pageLen !== group.pageLen) return;
  const residence = residenceOf(sequence);
  const numFull = Math.floor(sequence.numComputed / group.pageLen);
  for (; residence.numPublished < numFull; residence.numPublished++) {
    const index = residence.numPublished;
    const page = residence.pages[index];
    if (page === undefined) throw new Error(`sequence ${sequence.id} has no page ${index} and computed it`);
    group.publish(page, blockHashAt(sequence, index, group.pageLen, prefix.root));
  }
}

/** Lets nobody find what a sequence has published, and what it found: it may be of no numbers. */
export function withdrawPages(
  { pages: accounting }: GroupState,
  { blockHashes }: Sequence,
  { pages, numPublished }: Residence,
): void {
  for (let i = 0; i < numPublished; i++) {
    accounting.unpublish(pages[i] as PageId, blockHashes[i] as BlockHash);
  }
}

/** Hashes of the prompt's pages came with the request; those of pages with generated tokens are made here, in order. */
function blockHashAt(sequence: Sequence, index: number, pageLen: number, root: BlockHash): BlockHash {
  const { blockHashes, request } = sequence;
  for (let i = blockHashes.length; i <= index; i++) {
    const parent = blockHashes[i - 1] ?? root;
    blockHashes.push(hashBlock(parent, request, i * pageLen, sequence.tokensOf(i * pageLen, pageLen)));
  }
  return blockHashes[index] as BlockHash;
}
