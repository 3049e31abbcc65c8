/** Mixes a word into a 32-bit digest so that every bit of both moves every bit of the result. */
export function mixDigest(digest: number, word: number): number {
  let h = Math.imul(digest ^ word, 0x7feb352d) + 0x3c6ef372;
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Digest of the bits of float32 values. */
export function digestFloats(values: Float32Array): number {
  return new Uint32Array(values.slice().buffer).reduce(mixDigest, values.length);
}

/** `length` values in [−1, 1) that follow from a digest. */
export function floatsOf(digest: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => mixDigest(digest, i) / 2 ** 31 - 1);
}
