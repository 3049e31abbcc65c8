import { capture, showElapsed } from './run-step.mjs';

/** Runs a Node.js program that counts as one test: a line when it passes, its whole output when it does not. */
export async function runCheck({ title, args, cwd }) {
  const line = showElapsed(title);
  const { exitCode, output } = await capture(process.execPath, args, { cwd });
  line.finish(exitCode === 0 ? 'passed' : 'failed');
  if (exitCode !== 0) console.log(output.trimEnd());
  return exitCode === 0 ? { numPassed: 1, numFailed: 0 } : { numPassed: 0, numFailed: 1 };
}
