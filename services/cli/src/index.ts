export { formatFailure } from './verify/format-report.js';
export { runVerify, type VerifyOptions } from './verify/run-verify.js';
export { type Check, type RungSummary, VerifyReport } from './verify/verify-report.js';
