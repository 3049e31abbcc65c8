/** One line on a terminal's standard error, overwritten by the next; no text erases it. */
export function showStage(what = ''): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}
