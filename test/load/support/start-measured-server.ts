import { fileURLToPath } from 'node:url';
import { ApiClient } from '../../e2e/support/api-client.js';
import { expectToHold, readHoldings } from '../../e2e/support/metrics.js';
import { runTessera, sharedEngineCache } from '../../e2e/support/tessera-process.js';
import { readMemoryBytes } from './process-memory.js';

export interface MemorySample {
  /** Of the server and its children. */
  readonly memoryBytes: number;
  /** JavaScript objects and buffers of the server's main thread. */
  readonly heapBytes: number;
}

export interface MeasuredServer {
  readonly api: ApiClient;
  readonly pid: number;
  /** Memory of the idle server without garbage; rejects when it still holds something for a request. */
  measure(): Promise<MemorySample>;
  stop(): Promise<void>;
}

const reportHeap = fileURLToPath(new URL('./report-heap.cjs', import.meta.url));

/** `tessera serve` with these options, ready for requests and for measurements. */
export async function startMeasuredServer(options: Readonly<Record<string, string | number>>): Promise<MeasuredServer> {
  const given = { port: 0, 'engine-cache': sharedEngineCache, 'log-level': 'error', ...options };
  const flags = Object.entries(given).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const tessera = runTessera(['serve', ...flags], { NODE_OPTIONS: `--require "${reportHeap}"` });
  const [, url] = await tessera.printed(/^Tessera serves \S+ at (\S+)/m);
  const api = new ApiClient(url!);
  const idle = await readHoldings(api);
  let numReports = 0;
  return {
    api,
    pid: tessera.pid,
    async measure() {
      await expectToHold(api, idle);
      tessera.signal('SIGUSR2');
      const [, heapBytes] = await tessera.printed(new RegExp(`^heap ${numReports++}: (\\d+) bytes`, 'm'));
      return { memoryBytes: readMemoryBytes(tessera.pid), heapBytes: Number(heapBytes) };
    },
    async stop() {
      tessera.signal('SIGINT');
      const code = await tessera.exited;
      if (code !== 0) throw new Error(`The server ended with ${code}:\n${tessera.output}`);
    },
  };
}
