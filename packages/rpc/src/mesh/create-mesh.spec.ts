import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServingError } from '@tessera/domain';
import { SeededRandom } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCuttableLink } from '../testing/cuttable-link.js';
import { createCertificates } from '../testing/rpc-world.js';
import { createMesh, type Mesh, type MeshOptions } from './create-mesh.js';
import { minSlicedBytes } from './mesh-collective.js';

describe('a mesh', () => {
  let folder: string;
  const meshes: Mesh[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-mesh-'));
  });
  afterEach(async () => {
    await Promise.all(meshes.splice(0).map((mesh) => mesh.close()));
    rmSync(folder, { recursive: true });
  });

  const create = async (numRanks: number, given: Partial<MeshOptions> = {}): Promise<Mesh[]> => {
    const created: Mesh[] = [];
    for (let rank = 0; rank < numRanks; rank++) {
      const listen = `unix:${join(folder, `rank-${meshes.length}`)}`;
      const mesh = await createMesh({ rank, numRanks, listen, ...given });
      meshes.push(mesh);
      created.push(mesh);
    }
    return created;
  };
  const addressesOf = (ranks: readonly Mesh[]): string[] => ranks.map(({ address }) => address);
  const connectAll = async (ranks: readonly Mesh[], session = 'first'): Promise<void> => {
    const addresses = addressesOf(ranks);
    await Promise.all(ranks.map((mesh) => mesh.connect({ session, addresses })));
  };
  const onAll = <Value>(ranks: readonly Mesh[], call: (mesh: Mesh) => Promise<Value>): Promise<Value[]> =>
    Promise.all(ranks.map(call));

  const inOrder = (partials: readonly Float32Array[]): Float32Array =>
    partials[0].map((value, i) => partials.slice(1).reduce((sum, partial) => Math.fround(sum + partial[i]), value));
  const smallLen = 64;
  const largeLen = minSlicedBytes / Float32Array.BYTES_PER_ELEMENT + 3;

  for (const numRanks of [1, 2, 4]) {
    for (const [size, length] of [
      ['a few', smallLen],
      ['many', largeLen],
      ['no', 0],
    ] as const) {
      test(`of ${numRanks} sums ${size} numbers in rank order, to the same bits on every rank`, async () => {
        const ranks = await create(numRanks);
        await connectAll(ranks);
        const random = new SeededRandom(3);
        const partials = ranks.map(() => random.normals(length).map((x) => x * 10 ** random.integer(-6, 6)));
        const expected = inOrder(partials);
        for (let time = 0; time < 2; time++) {
          const sums = await onAll(random.shuffle(ranks), ({ rank, allReduceSum }) => allReduceSum(partials[rank]));
          for (const sum of sums) expect(Buffer.compare(Buffer.from(sum.buffer), Buffer.from(expected.buffer))).toBe(0);
        }
      });
    }

    test(`of ${numRanks} gathers values in rank order`, async () => {
      const ranks = await create(numRanks);
      await connectAll(ranks);
      const valueFrom = (rank: number) => ({
        name: `r${rank}`,
        rows: Float32Array.of(rank, Number.NaN),
        best: [{ score: Number.NEGATIVE_INFINITY }],
        nothing: undefined,
      });
      const gathered = await onAll(ranks, ({ rank, allGather }) => allGather(valueFrom(rank)));
      for (const values of gathered) expect(values).toEqual(ranks.map(({ rank }) => valueFrom(rank)));
    });
  }

  test('never mixes two rounds, however far one rank runs ahead', async () => {
    const ranks = await create(3);
    await connectAll(ranks);
    const random = new SeededRandom(2);
    const work = async ({ rank, allGather, allReduceSum }: Mesh): Promise<unknown[]> => {
      const seen: unknown[] = [];
      for (let round = 0; round < 30; round++) {
        for (let turns = random.integer(0, 3); turns > 0; turns--) await new Promise(setImmediate);
        seen.push(await allGather(`${round}/${rank}`), [...(await allReduceSum(Float32Array.of(round * rank)))]);
      }
      return seen;
    };
    const expected = Array.from({ length: 30 }, (_, round) => [
      [0, 1, 2].map((rank) => `${round}/${rank}`),
      [3 * round],
    ]).flat();
    for (const seen of await onAll(ranks, work)) expect(seen).toEqual(expected);
  });

  test('meets over TLS', async () => {
    const ranks = await create(2, { listen: '127.0.0.1:0', tls: createCertificates(folder) });
    await connectAll(ranks);
    expect(await onAll(ranks, ({ rank, allGather }) => allGather(rank))).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  test('waits for a rank that comes late', async () => {
    const ranks = await create(2);
    const meeting = { session: 'first', addresses: addressesOf(ranks) };
    const first = ranks[0].connect(meeting);
    await new Promise(setImmediate);
    await Promise.all([first, ranks[1].connect(meeting)]);
    expect(await onAll(ranks, ({ rank, allGather }) => allGather(rank))).toHaveLength(2);
  });

  test('names the rank that does not come', async () => {
    const ranks = await create(2, { connectTimeoutMs: 200 });
    const connecting = ranks[1].connect({ session: 's', addresses: addressesOf(ranks) });
    await expect(connecting).rejects.toMatchObject({
      reason: 'worker_failed',
      message: 'Rank 0 did not meet rank 1 within 200 ms.',
      facts: { rank: 0, limit: 200 },
    });
  });

  test('keeps ranks of another session out', async () => {
    const ranks = await create(2, { connectTimeoutMs: 200 });
    const addresses = addressesOf(ranks);
    const outcomes = await Promise.allSettled(
      ranks.map((mesh) => mesh.connect({ session: `session of ${mesh.rank}`, addresses })),
    );
    expect(outcomes).toMatchObject([0, 1].map((rank) => ({ reason: { facts: { rank: 1 - rank } } })));
    const { cause } = (outcomes[0] as PromiseRejectedResult).reason as ServingError;
    expect(cause).toMatchObject({ reason: 'not_ready', message: 'Rank 1 is not in session session of 0.' });
  });

  describe('of which a rank is lost', () => {
    /** Rank 1 enters no round; what rank 0 waits for. */
    const waiting = async (given: Partial<MeshOptions> = {}) => {
      const ranks = await create(2, given);
      await connectAll(ranks);
      return { ranks, sum: ranks[0].allReduceSum(Float32Array.of(1)) };
    };

    test('rejects at once what waits for it, and all that follows', async () => {
      const { ranks, sum } = await waiting();
      const lost = { reason: 'worker_failed', facts: { rank: 1 } };
      const rejected = expect(sum).rejects.toMatchObject(lost);
      ranks[1].disconnect();
      await rejected;
      await expect(ranks[0].allGather(1)).rejects.toMatchObject(lost);
    });

    test('rejects at once what waits for it when its connection breaks', async () => {
      const ranks = await create(2);
      const link = await createCuttableLink(ranks[1].address);
      const addresses = [ranks[0].address, link.address];
      await onAll(ranks, (mesh) => mesh.connect({ session: 'first', addresses }));
      const rejected = [0, 1].map((rank) =>
        expect(ranks[rank].allReduceSum(new Float32Array(1))).rejects.toMatchObject({
          reason: 'worker_failed',
          facts: { rank: 1 - rank },
        }),
      );
      link.cut();
      await Promise.all(rejected);
    });

    test('rejects what waits when it says nothing', async () => {
      const { sum } = await waiting({ stepTimeoutMs: 50 });
      await expect(sum).rejects.toThrow('Rank 1 said nothing in round 0 for 50 ms.');
    });

    test('rejects its own calls too when it leaves', async () => {
      const { ranks, sum } = await waiting();
      const rejected = expect(sum).rejects.toMatchObject({ reason: 'cancelled' });
      ranks[0].disconnect();
      await rejected;
      await expect(ranks[0].allGather(1)).rejects.toThrow('Rank 0 has met no other rank.');
    });

    test('meets again in another session', async () => {
      const { ranks, sum } = await waiting();
      ranks[1].disconnect();
      await sum.catch(() => {});
      await connectAll(ranks, 'second');
      const sums = await onAll(ranks, ({ rank, allReduceSum }) => allReduceSum(Float32Array.of(rank + 1)));
      expect(sums).toEqual([Float32Array.of(3), Float32Array.of(3)]);
    });
  });

  test('refuses a group of another size', async () => {
    const [mesh] = await create(2);
    await expect(mesh.connect({ session: 's', addresses: [mesh.address] })).rejects.toThrow(
      '1 ranks are to meet in a group of 2.',
    );
  });
});
