import { createHash } from 'node:crypto';
import { type BlockHash, blockHash, type MropePositions, type Segment, type VisualSegment } from '@tessera/domain';

/** The prompt that a block is of, or comes after. */
export interface HashedPrompt {
  readonly segments: readonly Segment[];
  readonly positions: MropePositions;
}

/**
 * Hash of one page's content and of all before it: SHA-256 over the bytes below, integers little endian.
 *
 * ```
 *   32 bytes    parent: hash of the page before, or the root
 *   uint32      n, number of tokens
 *   int32 × n   token ids
 *   int32 × 3n  M-RoPE positions: n temporal, n height, n width
 *   and for every run of one visual's tokens in the page, in order:
 *     uint32    index of its first token in the page
 *     uint32    number of tokens
 *     uint32    index of its first token in the visual
 *     uint32    m, length of the embedding key
 *     m bytes   embedding key, UTF-8
 * ```
 *
 * Placeholders of all visuals are one token, so the runs say which rows of which embedding stand there. Positions cover
 * what a prefix of equal tokens can still differ in: grids, time steps, and the offset that a visual leaves behind.
 *
 * `firstIndex` is the index of the page's first token in the sequence. Tokens after the prompt have the positions that
 * the model gives to generated ones, so a page has one hash, whether it was generated or came as a prompt.
 */
export function hashBlock(
  parent: BlockHash,
  { segments, positions }: HashedPrompt,
  firstIndex: number,
  tokenIds: ArrayLike<number>,
): BlockHash {
  const numTokens = tokenIds.length;
  const fixed = Buffer.alloc(32 + 4 * (1 + 4 * numTokens));
  const numParentBytes = fixed.write(parent, 'hex');
  if (numParentBytes !== 32) throw new Error(`A parent hash has 64 hexadecimal digits; "${parent}" has not.`);
  let at = fixed.writeUInt32LE(numTokens, numParentBytes);
  for (let i = 0; i < numTokens; i++) at = fixed.writeInt32LE(tokenIds[i], at);
  for (const axis of ['temporal', 'height', 'width'] as const) {
    for (let i = 0; i < numTokens; i++) at = fixed.writeInt32LE(positionAt(positions, axis, firstIndex + i), at);
  }
  const hash = createHash('sha256').update(fixed);
  for (const run of visualRuns(segments, firstIndex, firstIndex + numTokens)) hash.update(run);
  return blockHash(hash.digest('hex'));
}

function positionAt(positions: MropePositions, axis: 'temporal' | 'height' | 'width', index: number): number {
  const numPromptTokens = positions[axis].length;
  return index < numPromptTokens ? positions[axis][index] : positions.next + index - numPromptTokens;
}

/** The runs of visual tokens among those from `begin` to before `end`. */
function* visualRuns(segments: readonly Segment[], begin: number, end: number): Generator<Buffer> {
  for (let i = findSegment(segments, begin); i < segments.length && segments[i].offset < end; i++) {
    const segment = segments[i];
    if (segment.kind !== 'text') yield encodeRun(segment, begin, end);
  }
}

function encodeRun({ offset, length, embeddingKey }: VisualSegment, begin: number, end: number): Buffer {
  const first = Math.max(offset, begin);
  const numTokens = Math.min(offset + length, end) - first;
  const run = Buffer.alloc(16 + Buffer.byteLength(embeddingKey));
  let at = 0;
  for (const value of [first - begin, numTokens, first - offset, run.length - 16]) at = run.writeUInt32LE(value, at);
  run.write(embeddingKey, at);
  return run;
}

/** Index of the segment with the token at `index`, or how many there are when it comes after the prompt. */
function findSegment(segments: readonly Segment[], index: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { offset, length } = segments[middle];
    if (offset + length <= index) low = middle + 1;
    else high = middle;
  }
  return low;
}
