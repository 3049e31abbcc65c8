// Adds up the closing lines of the logs given as arguments; a log without one counts as one failure.
import { readFileSync } from 'node:fs';
import { addCounts, formatCounts, noCounts, parseCounts } from './bootstrap/count-tests.mjs';

const logs = process.argv.slice(2).map((path) => parseCounts(readFileSync(path, 'utf8')));
const total = logs.map((counts) => counts ?? { numPassed: 0, numFailed: 1 }).reduce(addCounts, noCounts);
console.log(formatCounts(total));
process.exitCode = total.numFailed > 0 ? 1 : 0;
