export const noCounts = Object.freeze({ numPassed: 0, numFailed: 0 });

export function addCounts(left, right) {
  return { numPassed: left.numPassed + right.numPassed, numFailed: left.numFailed + right.numFailed };
}

/** The closing line of every test command. */
export function formatCounts({ numPassed, numFailed }) {
  return `${numPassed} passed, ${numFailed} failed`;
}

/** The counts of the last closing line in a command's output, or undefined when there is none. */
export function parseCounts(output) {
  const last = [...output.matchAll(/(\d+) passed, (\d+) failed/g)].at(-1);
  return last && { numPassed: Number(last[1]), numFailed: Number(last[2]) };
}

/**
 * Counts a vitest JSON report. Whatever did not pass has failed: skipped and todo tests too, a file that could not be
 * loaded, a report that was never written, and an exit code that no failed test explains (an unhandled error).
 */
export function countTests(report, exitCode) {
  if (report === undefined) return { numPassed: 0, numFailed: 1 };
  const counts = report.testResults.map(countFile).reduce(addCounts, noCounts);
  const isUnexplained = exitCode !== 0 && counts.numFailed === 0;
  return isUnexplained ? addCounts(counts, { numPassed: 0, numFailed: 1 }) : counts;
}

function countFile({ status, assertionResults }) {
  const numPassed = assertionResults.filter((test) => test.status === 'passed').length;
  const numFailed = assertionResults.length - numPassed;
  const isBrokenFile = status === 'failed' && numFailed === 0;
  return { numPassed, numFailed: isBrokenFile ? 1 : numFailed };
}
