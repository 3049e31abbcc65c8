import type { Check, NotApplicable, RungSummary, VerifyReport } from './verify-report.js';

const maxListedFailures = 20;

/** The largest error of each rung, the failures, `remarks` line by line, and a last line with the counts. */
export function formatReport(report: VerifyReport, seconds: number, remarks: readonly string[] = []): string {
  const { failures, rungs, checks, notApplicable } = report;
  const width = Math.max(...rungs.map(({ rung }) => rung.length), 4);
  const header = `${'rung'.padEnd(width)}  ${'passed'.padStart(7)}  ${'failed'.padStart(6)}  largest error  tolerance`;
  const listed = failures.slice(0, maxListedFailures).map(formatFailure);
  const more = failures.length > listed.length ? [`… and ${failures.length - listed.length} more`] : [];
  const counts = [`${checks.length - failures.length} passed`, `${failures.length} failed`];
  if (notApplicable.length > 0) counts.push(`${notApplicable.length} not applicable`);
  return [
    header,
    ...rungs.map((rung) => formatRung(rung, width)),
    ...(failures.length > 0 ? ['', ...listed, ...more] : []),
    ...(notApplicable.length > 0 ? ['', ...notApplicable.map(formatNotApplicable)] : []),
    ...(remarks.length > 0 ? ['', ...remarks] : []),
    '',
    `verify: ${counts.join(', ')} in ${seconds.toFixed(1)} s`,
  ].join('\n');
}

function formatRung({ rung, numPassed, numFailed, largestError, tolerance }: RungSummary, width: number): string {
  const columns = [rung.padEnd(width), String(numPassed).padStart(7), String(numFailed).padStart(6)];
  if (tolerance === 0) return [...columns, (largestError === 0 ? 'exact' : 'differs').padStart(13)].join('  ');
  return [...columns, largestError.toExponential(2).padStart(13), tolerance.toExponential(0).padStart(9)].join('  ');
}

function formatNotApplicable({ subject, reason }: NotApplicable): string {
  return `not applicable: ${subject}: ${reason}`;
}

/** One line: rung, subject, and what differs or by how much. */
export function formatFailure({ rung, subject, error, tolerance, detail }: Check): string {
  return `FAILED ${rung}: ${subject}: ${detail ?? `error ${error.toExponential(2)} above ${tolerance}`}`;
}
