import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallbackSummary } from './support/callback-summaries.js';
import { type LoadedServer, startLoadedCluster, startLoadedServer } from './support/loaded-server.js';
import { planMixedRequests } from './support/mixed-requests.js';
import { type MixedLoadResult, runMixedLoad } from './support/run-mixed-load.js';

const { TESSERA_TEST_SIZE: size } = process.env;
const isFull = size === 'full';
const numRequests = isFull ? 2_000 : 200;
const numClients = 64;
/** Fewer than there are clients, so that some are refused. */
const maxRequests = 62;
const seed = 5;
const longestCallbackMs = 50;

const forms = [
  { name: 'one process', start: startLoadedServer },
  { name: 'a cluster of two groups, two encoders and two gateways', start: startLoadedCluster },
];

for (const { name, start } of forms) {
  describe(`${numRequests} mixed requests to ${name}`, () => {
    let server: LoadedServer;
    let idle: Record<string, number>;
    let result: MixedLoadResult;
    beforeAll(async () => {
      server = await start(maxRequests);
      idle = await server.readHoldings();
      result = await runMixedLoad(server.apis, planMixedRequests(numRequests, seed), numClients);
      console.log(name, result.counts);
    }, 3_600_000);
    let isStopped = false;
    afterAll(async () => {
      if (!isStopped) await server?.stop();
    });

    it('are answered, rejected or cancelled, and nothing else', () => {
      const { answered, rejected, cancelled } = result.counts;
      expect(result.failures).toEqual([]);
      expect(answered + rejected + cancelled).toBe(numRequests);
      for (const count of [answered, rejected, cancelled]) expect(count).toBeGreaterThan(0);
    });

    it('are counted as what came of them', async () => {
      const { answered, rejected } = result.counts;
      const counted = await server.countAnswers();
      expect(Object.keys(counted).sort()).toEqual(['200', '429', '499']);
      // A client may leave when its answer is on the way, or before its request has come.
      expect(counted[200]).toBeGreaterThanOrEqual(answered);
      expect(counted[429]).toBeGreaterThanOrEqual(rejected);
      expect(counted[200]! + counted[429]! + counted[499]!).toBeLessThanOrEqual(numRequests);
    });

    it('have one answer for one question, whatever runs beside it', () => {
      expect(result.numRepeated).toBeGreaterThan(numRequests / 40);
      expect(result.disagreements).toEqual([]);
    });

    it('leave every pool as it was, and books that agree', { timeout: 60_000 }, async () => {
      await expect.poll(() => server.readHoldings(), { interval: 50, timeout: 30_000 }).toEqual(idle);
      const audit = await server.audit();
      if (audit !== undefined) expect(audit).toMatch(/^audit: .*: 0 wrong, 0 lag, /m);
    });

    it('hold up no event loop of a gateway or scheduler process', { timeout: 60_000 }, async () => {
      isStopped = true;
      const summaries = await server.stop();
      for (const [process, summary] of summaries) console.log(describeCallbacks(process, summary));
      if (!isFull) return;
      const long = [...summaries].flatMap(([process, { longest }]) =>
        longest.filter(({ runMs }) => runMs > longestCallbackMs).map((callback) => ({ process, ...callback })),
      );
      expect(long).toEqual([]);
    });
  });
}

function describeCallbacks(process: string, { numCallbacks, runMs, longest, lagMs }: CallbackSummary): string {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const first = longest.slice(0, 3).map((each) => `${ms(each.runMs)} ${each.type} ${each.function ?? ''}`.trimEnd());
  const lags = Object.entries(lagMs).map(([percentile, value]) => `${percentile} ${ms(value)}`);
  return `${process}: ${numCallbacks} callbacks in ${ms(runMs)}; longest ${first.join(', ')}; lag ${lags.join(', ')}`;
}
