/** Tells in the log of the tests how long clients waited; docs/failures.md has these numbers. */
export function notePause(what: string, pauseMs: number): void {
  console.info(`${what}: the longest pause of a stream was ${(pauseMs / 1000).toFixed(1)} s`);
}
