import { deserialize, serialize } from 'node:v8';
import { bytesOf } from '../convert/number-bytes.js';

/**
 * Every rank's share of a round, in rank order; the own one is what was given, the others are memory of their own,
 * aligned for floats.
 */
export type Exchange = (shareFor: (rank: number) => Uint8Array) => Promise<readonly Uint8Array[]>;

/** What the ranks of a group do together; every rank makes the same calls in the same order, one after the other. */
export interface MeshCollective {
  readonly rank: number;
  readonly numRanks: number;
  /** Sum over all ranks, added in rank order so that all hold the same bits. */
  allReduceSum(partial: Float32Array): Promise<Float32Array>;
  /** Everybody's value, in rank order; values are what a structured clone takes. */
  allGather<Value>(value: Value): Promise<readonly Value[]>;
}

/**
 * From here on a sum is made in slices: every rank adds up one and sends it to the others, so that it sends
 * 2(R − 1)/R times the bytes instead of R − 1 times. With two ranks that is the same, in one round more.
 */
export const minSlicedBytes = 64 * 1024;

export function createMeshCollective(rank: number, numRanks: number, exchange: Exchange): MeshCollective {
  const sumWhole = async (partial: Float32Array): Promise<Float32Array> =>
    sumInOrder(await exchange(() => bytesOf(partial)), rank);
  const sumInSlices = async (partial: Float32Array): Promise<Float32Array> => {
    const boundOf = (slice: number): number => Math.floor((slice * partial.length) / numRanks);
    const parts = await exchange((peer) => bytesOf(partial.subarray(boundOf(peer), boundOf(peer + 1))));
    const ownSlice = bytesOf(sumInOrder(parts, rank));
    const sum = new Float32Array(partial.length);
    for (const [peer, slice] of (await exchange(() => ownSlice)).entries()) sum.set(floatsOf(slice), boundOf(peer));
    return sum;
  };
  return {
    rank,
    numRanks,
    allReduceSum: (partial) =>
      numRanks > 2 && partial.byteLength >= minSlicedBytes ? sumInSlices(partial) : sumWhole(partial),
    allGather: async <Value>(value: Value) => {
      const share = serialize(value);
      const shares = await exchange(() => share);
      return shares.map((bytes, peer) => (peer === rank ? value : (deserialize(bytes) as Value)));
    },
  };
}

/** Adds up in the memory of the first share, which is ours; the own one may still be on its way out. */
function sumInOrder(shares: readonly Uint8Array[], ownRank: number): Float32Array {
  const [first, ...others] = shares.map(floatsOf);
  const sum = ownRank === 0 ? Float32Array.from(first) : first;
  for (const partial of others) {
    for (let i = 0; i < sum.length; i++) sum[i] += partial[i];
  }
  return sum;
}

function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / Float32Array.BYTES_PER_ELEMENT);
}
