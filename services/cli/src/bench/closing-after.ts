/** What `work` gives of `part`, which is closed when the work is over, however it ended. */
export async function closingAfter<Part extends { close(): Promise<void> }, Value>(
  part: Part,
  work: (part: Part) => Promise<Value>,
): Promise<Value> {
  try {
    return await work(part);
  } finally {
    await part.close();
  }
}
