import type { BlockHash, PrefixHashes, Request } from '@tessera/domain';
import { hashBlock } from './hash-block.js';

/** Hashes of a prompt's full pages of `pageLen` tokens; a last page that is not full has none. */
export function prefixHashesOf(
  prompt: Pick<Request, 'tokenIds' | 'segments' | 'positions'>,
  root: BlockHash,
  pageLen: number,
): PrefixHashes {
  const { tokenIds } = prompt;
  const numPositions = prompt.positions.temporal.length;
  if (numPositions !== tokenIds.length) {
    throw new Error(`The prompt has ${tokenIds.length} tokens and positions for ${numPositions}.`);
  }
  const blocks: BlockHash[] = [];
  for (let end = pageLen; end <= tokenIds.length; end += pageLen) {
    const begin = end - pageLen;
    blocks.push(hashBlock(blocks.at(-1) ?? root, prompt, begin, tokenIds.subarray(begin, end)));
  }
  return { pageLen, root, blocks };
}
