import { expect } from 'vitest';
import type { ApiClient } from './api-client.js';

/** Every sample of `/metrics` by its name with labels. */
export async function readMetrics({ url }: ApiClient, limitMs = 60_000): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(limitMs) })).text();
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** What the server holds for requests: sequences, lanes, pages, embeddings, encodes, open requests. */
export async function readHoldings(api: ApiClient): Promise<Record<string, number>> {
  return holdingsOf(await readMetrics(api));
}

/** The same of samples that were read. */
export function holdingsOf(metrics: ReadonlyMap<string, number>): Record<string, number> {
  const names = [
    'tessera_sequences_waiting',
    'tessera_sequences_running',
    'tessera_lanes_free',
    'tessera_kv_pages_owned',
    'tessera_embeddings_staged',
    'tessera_encodes_running',
    'tessera_gateway_requests_in_flight',
  ];
  return Object.fromEntries(names.map((name) => [name, metrics.get(name) ?? Number.NaN]));
}

/** Waits until the server holds what it held before. */
export function expectToHold(api: ApiClient, holdings: Readonly<Record<string, number>>): Promise<void> {
  return expect.poll(() => readHoldings(api), { interval: 20, timeout: 10_000 }).toEqual(holdings);
}

/** Waits until a metric has this value. */
export function expectValue(api: ApiClient, name: string, value: number): Promise<void> {
  return expect.poll(async () => (await readMetrics(api)).get(name), { interval: 10, timeout: 10_000 }).toBe(value);
}
