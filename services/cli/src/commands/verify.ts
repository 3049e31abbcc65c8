import { ServingError } from '@tessera/domain';
import { parseWeightPlan } from '@tessera/onnx-graph';
import { flagName } from '@tessera/runtime';
import { standaloneConfigSchema } from '@tessera/standalone';
import { Command, Option } from 'commander';
import { addConfigOptions, readConfig } from '../config-options.js';
import { assertGoldenFolder } from '../verify/assert-golden-folder.js';
import { formatReport } from '../verify/format-report.js';
import { runVerify } from '../verify/run-verify.js';
import { runVerifyThrough } from '../verify/through/run-verify-through.js';
import { VerifyReport } from '../verify/verify-report.js';
import { parseCount } from './parse-count.js';
import { readCounts } from './read-counts.js';
import { showStage } from './show-stage.js';

interface VerifyFlags {
  readonly weights?: string;
  readonly kernel?: string;
  readonly engineCache?: string;
  readonly chunk: string;
  readonly batch: string;
  readonly tp: string;
  readonly through?: string;
  readonly model?: string;
  readonly concurrency: number;
  readonly repeat: number;
}

const engineFlags = ['weights', 'kernel', 'engineCache'] as const;
const throughFlags = ['model', 'concurrency', 'repeat'] as const;

/** `tessera verify`: the parity ladder over a folder of reference data, on an engine or through a running server. */
export function verifyCommand(): Command {
  const through = new Option('--through <url>', 'ask the server at this address instead of an engine').conflicts([
    ...engineFlags,
    ...['chunk', 'batch', 'tp'],
  ]);
  const command = new Command('verify')
    .description(
      'Compare every case of a folder of reference data with what the engine, or a running server, computes.',
    )
    .argument('<goldens>', 'folder with checkpoints, media, cases and unit vectors')
    .option('--chunk <sizes>', 'prompt tokens a step: numbers or "whole", comma-separated', 'whole')
    .option('--batch <sizes>', 'cases that run together, comma-separated', '1')
    .option('--tp <degrees>', 'tensor-parallel degrees, comma-separated', '1');
  addConfigOptions(command, standaloneConfigSchema, engineFlags);
  const server = [
    through,
    new Option('--model <name>', 'model to ask for (default: the one that is served)'),
    new Option('--concurrency <n>', 'cases that are asked at once').default(8).argParser(parseCount),
    new Option(
      '--repeat <n>',
      'times that every case is asked; its prompt must then be found in the prefix cache, so 1 for a server without',
    )
      .default(2)
      .argParser(parseCount),
  ];
  for (const option of server) command.addOption(option.helpGroup('Through a running server:'));
  return command.action(verify);
}

async function verify(dir: string, flags: VerifyFlags, command: Command): Promise<void> {
  const stray = throughFlags.find((name) => command.getOptionValueSource(name) === 'cli');
  if (flags.through === undefined && stray !== undefined) {
    throw new ServingError('invalid_option', `${flagName(stray)} goes with --through only.`, { option: stray });
  }
  await assertGoldenFolder(dir);
  const report = new VerifyReport();
  const startMs = performance.now();
  const remarks = await runChecks(dir, flags, report);
  showStage();
  console.log(formatReport(report, (performance.now() - startMs) / 1000, remarks));
  if (report.failures.length > 0) process.exitCode = 1;
}

/** Returns what is to be said beside the checks. */
async function runChecks(dir: string, flags: VerifyFlags, report: VerifyReport): Promise<readonly string[]> {
  const { chunk, batch, tp, through: url, model, concurrency: numAtOnce, repeat: numRuns } = flags;
  const onProgress = showStage;
  if (url !== undefined) {
    return runVerifyThrough(dir, { url, model, numAtOnce, numRuns, onProgress }, report);
  }
  const engine = Object.fromEntries(engineFlags.map((name) => [name, flags[name]]));
  const { weights, kernel, engineCache } = readConfig(standaloneConfigSchema, engine);
  const options = {
    weights: parseWeightPlan(weights),
    kernel,
    chunkLens: readCounts('--chunk', chunk, { whole: Number.POSITIVE_INFINITY }),
    batchSizes: readCounts('--batch', batch),
    numRanks: readCounts('--tp', tp),
    cacheDir: engineCache,
    onProgress,
  };
  await runVerify(dir, options, report);
  return [];
}
