/** A wait that ends with `elapsed` unless it is cancelled, which whoever started it does. */
export function startDeadline(durationMs: number): { elapsed: Promise<void>; cancel(): void } {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, durationMs);
  });
  return { elapsed, cancel: () => clearTimeout(timer) };
}
