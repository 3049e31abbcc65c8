import { StepFailure } from './run-step.mjs';

/** `--full` runs soaks at full size; anything else is a filter on the paths of test files. */
export function parseTestArguments(args) {
  const unknown = args.find((arg) => arg.startsWith('-') && arg !== '--full');
  if (unknown) throw new StepFailure(`Unknown option "${unknown}"; "test" knows --full and filters on file paths.`);
  return { size: args.includes('--full') ? 'full' : 'smoke', filters: args.filter((arg) => arg !== '--full') };
}
