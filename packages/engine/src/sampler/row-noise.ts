/**
 * Gumbel noise as a pure function of (seed, choice, position, token id): argmax(logit / T + noise) is a sample of the
 * softmax, and the same key gives the same noise on every rank, machine and attempt.
 */
export function createRowNoise(seed: number, choiceIndex: number, position: number): (tokenId: number) => number {
  const low = chain(chain(chain(0x9e3779b9, seed >>> 0), Math.floor(seed / 2 ** 32)), choiceIndex);
  const rowKey = chain(low, position);
  const secondKey = mix(rowKey ^ 0x85ebca6b);
  return (tokenId) => {
    const high = mix(Math.imul(tokenId, 0x9e3779b1) ^ rowKey);
    const low = mix(high ^ secondKey);
    const uniform = ((high >>> 5) * 0x4000000 + (low >>> 6) + 0.5) / 2 ** 53;
    return -Math.log(-Math.log(uniform));
  };
}

function chain(state: number, word: number): number {
  return mix(Math.imul(state, 5) + 0xe6546b64 + mix(word >>> 0));
}

/** A bijection of 32-bit words in which every input bit moves every output bit (the finaliser of MurmurHash3). */
function mix(word: number): number {
  let h = word >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
