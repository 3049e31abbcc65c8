import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';

/** What `callback-monitor.mjs` wrote of one process. */
export interface CallbackSummary {
  readonly numCallbacks: number;
  /** Time of the main thread on a core. */
  readonly runMs: number;
  /** The longest first. */
  readonly longest: readonly {
    readonly runMs: number;
    readonly type: string;
    readonly function?: string;
    readonly stack?: readonly string[];
  }[];
  /** How late the event loop came round, by percentile. */
  readonly lagMs: Readonly<Record<'p50' | 'p99' | 'p99.9' | 'max', number>>;
}

export interface CallbackMonitor {
  /** Runs `start` with an environment in which processes of these commands can be measured, from SIGUSR2 on. */
  watching<Started>(start: () => Promise<Started>): Promise<Started>;
  /** The summaries of processes that have ended, by name. */
  read(names: readonly string[]): Promise<ReadonlyMap<string, CallbackSummary>>;
}

const monitorUrl = new URL('./callback-monitor.mjs', import.meta.url);

export async function createCallbackMonitor(commands: readonly string[]): Promise<CallbackMonitor> {
  const dir = await mkdtemp(join(tmpdir(), 'tessera-callbacks-'));
  return {
    async watching(start) {
      vi.stubEnv('NODE_OPTIONS', `--import "${monitorUrl.href}"`);
      vi.stubEnv('CALLBACK_MONITOR_COMMANDS', commands.join(','));
      vi.stubEnv('CALLBACK_MONITOR_DIR', dir);
      return start().finally(() => vi.unstubAllEnvs());
    },
    async read(names) {
      const texts = await Promise.all(names.map((name) => readFile(join(dir, `${name}.json`), 'utf8')));
      await rm(dir, { recursive: true });
      return new Map(names.map((name, index) => [name, JSON.parse(texts[index]!) as CallbackSummary]));
    },
  };
}
