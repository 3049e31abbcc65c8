import { fileURLToPath } from 'node:url';
import { parseTestArguments } from './parse-test-arguments.mjs';
import { prepareCheckout } from './prepare-checkout.mjs';
import { StepFailure } from './run-step.mjs';
import { runTests } from './run-tests.mjs';
import { startServer } from './start-server.mjs';

const rootDir = fileURLToPath(new URL('../..', import.meta.url));

const usage = `Usage: node scripts/bootstrap.mjs <command>

  start [options]           install and build what is missing, then serve (options are those of "tessera serve")
  test [--full] [filter…]   install and build what is missing, then run every suite, or the files whose path has a filter in it
  prepare                   only install and build what is missing`;

/** `npm start`, `npm test` and the set-up before them. Sets the exit code; prints why when it is not 0. */
export async function runBootstrap([command, ...args]) {
  try {
    process.exitCode = await runCommand(command, args);
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

async function runCommand(command, args) {
  if (command === 'prepare') {
    await prepareCheckout(rootDir);
    return 0;
  }
  if (command === 'start') {
    await prepareCheckout(rootDir);
    return startServer(rootDir, args);
  }
  if (command === 'test') {
    const options = parseTestArguments(args);
    await prepareCheckout(rootDir);
    return runTests(rootDir, options);
  }
  console.error(command === undefined ? usage : `Unknown command "${command}".\n\n${usage}`);
  return 2;
}
