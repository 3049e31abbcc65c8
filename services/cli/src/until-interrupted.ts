const signalNames = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs `work` with a signal that aborts when the process is asked to end; asked again, it ends at once. */
export async function untilInterrupted<Value>(work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
  const interrupt = new AbortController();
  const abort = () => interrupt.abort();
  for (const name of signalNames) process.once(name, abort);
  try {
    return await work(interrupt.signal);
  } finally {
    for (const name of signalNames) process.off(name, abort);
  }
}
