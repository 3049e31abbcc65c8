import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRequest } from './support/soak-requests.js';
import { type MeasuredServer, type MemorySample, startMeasuredServer } from './support/start-measured-server.js';
import { trendOf } from './support/trend.js';

const { TESSERA_TEST_SIZE: size } = process.env;
const isFull = size === 'full';
const numRounds = 10;
const numRequestsPerRound = isFull ? 1_000 : 60;
/** Caches are full and every path is taken after these. */
const numWarmUpRequests = isFull ? 1_000 : 300;
const numClients = 8;

/**
 * An idle server's memory scatters by some MB from one round to the next, as malloc and V8 keep what was freed; its
 * heap creeps by a tenth as code is still compiled. A trend has to be larger than that, and than the scatter seen.
 */
const leastVisible: MemorySample = { memoryBytes: 16e6, heapBytes: 5e5 };
const numDeviations = 4;

/** The names of what grew more than noise explains, with their trend. */
function findGrowth(samples: readonly MemorySample[]): string[] {
  return (['memoryBytes', 'heapBytes'] as const).flatMap((name) => {
    const { growth, noise } = trendOf(samples.map((sample) => sample[name]));
    const isVisible = growth > Math.max(leastVisible[name], numDeviations * noise);
    return isVisible ? [`${name}: +${growth.toFixed(0)} with a noise of ${noise.toFixed(0)}`] : [];
  });
}

describe('the trend of a soak', () => {
  const rounds = Array.from({ length: numRounds }, (_, round) => round);
  const scatter = [0, 3e6, -2e6, 4e6, -5e6, 1e6, -1e6, 5e6, -4e6, 2e6];
  const flat = rounds.map((round) => ({
    memoryBytes: 250e6 + scatter[round]!,
    heapBytes: 30e6 + scatter[round]! / 50,
  }));

  it('is no growth when samples only scatter, or creep by tenths', () => {
    expect(findGrowth(flat)).toEqual([]);
    expect(findGrowth(flat.map((sample, i) => ({ ...sample, heapBytes: sample.heapBytes + i * 5e4 })))).toEqual([]);
  });

  it('is growth when memory or heap rises out of the scatter', () => {
    const rising = (name: keyof MemorySample, bytesPerRound: number) =>
      findGrowth(flat.map((sample, round) => ({ ...sample, [name]: sample[name] + round * bytesPerRound })));
    expect(rising('memoryBytes', 3e6)).toEqual([expect.stringMatching(/^memoryBytes: \+2\d{7} with/)]);
    expect(rising('heapBytes', 2e5)).toEqual([expect.stringMatching(/^heapBytes: \+1\d{6} with/)]);
  });
});

describe('a server under load', () => {
  let server: MeasuredServer;
  beforeAll(async () => {
    server = await startMeasuredServer({ 'kv-cache-tokens': 4_096, 'embedding-cache-bytes': 2 ** 18 });
  });
  afterAll(() => server?.stop());

  /** Clients send the next request each, as soon as they have their answer. */
  async function sendAll(firstIndex: number, numRequests: number): Promise<void> {
    let nextIndex = firstIndex;
    const work = async () => {
      while (nextIndex < firstIndex + numRequests) await sendRequest(server.api, nextIndex++);
    };
    await Promise.all(Array.from({ length: numClients }, work));
  }

  it(`takes no more memory after ${numRounds * numRequestsPerRound} requests, and holds nothing for them`, {
    timeout: 1_800_000,
  }, async () => {
    await sendAll(0, numWarmUpRequests);
    const samples: MemorySample[] = [];
    for (let round = 0; round < numRounds; round++) {
      await sendAll(numWarmUpRequests + round * numRequestsPerRound, numRequestsPerRound);
      samples.push(await server.measure());
    }
    if (isFull) console.log(samples.map(describeSample).join('\n'));
    expect(findGrowth(samples)).toEqual([]);
  });
});

function describeSample({ memoryBytes, heapBytes }: MemorySample, round: number): string {
  return `round ${round}: ${(memoryBytes / 1e6).toFixed(1)} MB, heap ${(heapBytes / 1e6).toFixed(2)} MB`;
}
