/** Bytes of one message: large enough to keep a stream busy, small enough not to hold up what follows. */
export const maxChunkBytes = 512 * 1024;

/** A message of a share. */
export interface ShareChunk {
  /** Counts the rounds of a session. */
  readonly round: number;
  readonly data: Uint8Array;
  readonly isLast: boolean;
}

/** A share cut into messages; an empty one is one message. */
export function chunksOf(share: Uint8Array, round: number): ShareChunk[] {
  const numChunks = Math.max(1, Math.ceil(share.length / maxChunkBytes));
  return Array.from({ length: numChunks }, (_, i) => ({
    round,
    data: share.subarray(i * maxChunkBytes, (i + 1) * maxChunkBytes),
    isLast: i === numChunks - 1,
  }));
}

/** The share in a memory of its own, aligned for every kind of number, whatever the messages' memory was. */
export function joinChunks(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const share = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    share.set(part, offset);
    offset += part.length;
  }
  return share;
}
