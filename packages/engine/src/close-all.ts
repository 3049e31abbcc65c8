export interface Closable {
  close(): void | Promise<void>;
}

/** Closes all, the last opened first, whatever fails; then throws the first failure. */
export async function closeAll(opened: readonly Closable[]): Promise<void> {
  const failures: unknown[] = [];
  for (const part of opened.toReversed()) {
    try {
      await part.close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** What `open` returns; when it throws, all that it had handed to `keep` is closed before. */
export async function closingOnFailure<Value>(
  open: (keep: <Part extends Closable>(part: Part) => Part) => Promise<Value>,
): Promise<Value> {
  const opened: Closable[] = [];
  try {
    return await open((part) => {
      opened.push(part);
      return part;
    });
  } catch (error) {
    // Whoever opens hears of what came first.
    await closeAll(opened).catch(() => {});
    throw error;
  }
}
