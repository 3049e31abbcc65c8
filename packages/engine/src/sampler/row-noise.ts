/**
 * Gumbel noise of a token. Noise that cannot exceed `floor` may be given as −∞, which saves two logarithms for almost
 * every token of a vocabulary.
 */
export type RowNoise = (tokenId: number, floor?: number) => number;

/**
 * Noise as a pure function of (seed, choice, position, token id): argmax(logit / T + noise) is a sample of the softmax,
 * and the same key gives the same noise on every rank, machine and attempt.
 */
export function createRowNoise(seed: number, choiceIndex: number, position: number): RowNoise {
  const low = chain(chain(chain(0x9e3779b9, seed >>> 0), Math.floor(seed / 2 ** 32)), choiceIndex);
  const rowKey = chain(low, position);
  const secondKey = mix(rowKey ^ 0x85ebca6b);
  return (tokenId, floor = 0) => {
    const high = mix(Math.imul(tokenId, 0x9e3779b1) ^ rowKey);
    const low = mix(high ^ secondKey);
    const uniform = ((high >>> 5) * 0x4000000 + (low >>> 6) + 0.5) / 2 ** 53;
    if (floor >= 1 && uniform < leastUniform[floor < maxFloor ? Math.floor(floor) : maxFloor]) {
      return Number.NEGATIVE_INFINITY;
    }
    return -Math.log(-Math.log(uniform));
  };
}

const maxFloor = 32;

/** Index n: a smaller uniform number gives noise below n. */
const leastUniform = Float64Array.from({ length: maxFloor + 1 }, (_, n) => Math.exp(-Math.exp(-n)));

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
