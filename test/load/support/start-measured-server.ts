import { fileURLToPath } from 'node:url';
import { expectToHold, readHoldings } from '../../e2e/support/metrics.js';
import { type Server, type ServerOptions, startServer } from '../../e2e/support/start-server.js';
import { readMemoryBytes } from './process-memory.js';

export interface MemorySample {
  /** Of the server and its children. */
  readonly memoryBytes: number;
  /** JavaScript objects and buffers of the server's main thread. */
  readonly heapBytes: number;
}

export interface MeasuredServer extends Server {
  /** Memory of the idle server without garbage; rejects when it still holds something for a request. */
  measure(): Promise<MemorySample>;
}

const reportHeap = fileURLToPath(new URL('./report-heap.cjs', import.meta.url));

/** `tessera serve` with these options, ready for requests and for measurements. */
export async function startMeasuredServer(options: ServerOptions): Promise<MeasuredServer> {
  const env = { NODE_OPTIONS: `--require "${reportHeap}"` };
  const server = await startServer({ 'log-level': 'error', ...options }, env);
  const { api, process: tessera } = server;
  const idle = await readHoldings(api);
  let numReports = 0;
  return {
    ...server,
    async measure() {
      await expectToHold(api, idle);
      tessera.signal('SIGUSR2');
      const [, heapBytes] = await tessera.printed(new RegExp(`^heap ${numReports++}: (\\d+) bytes`, 'm'));
      return { memoryBytes: readMemoryBytes(tessera.pid), heapBytes: Number(heapBytes) };
    },
  };
}
