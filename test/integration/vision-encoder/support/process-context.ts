import type { ProcessContext } from '@tessera/runtime';

/** A process as a service sees it, which the test ends. */
export interface TestContext extends ProcessContext {
  /** Closes what was registered, last first, and returns the names in that order. */
  end(): Promise<string[]>;
}

export function createTestContext(): TestContext {
  const abort = new AbortController();
  const tasks: { name: string; close: () => void | Promise<void> }[] = [];
  return {
    signal: abort.signal,
    onShutdown: (name, close) => tasks.push({ name, close }),
    async end() {
      abort.abort();
      const names: string[] = [];
      for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
        await task.close();
        names.push(task.name);
      }
      return names;
    },
  };
}
