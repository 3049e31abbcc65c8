/** Whether there is such a process; one that ended and that nobody has waited for yet counts as there. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
