import { parseWeightPlan } from '@tessera/onnx-graph';
import { Command } from 'commander';
import { addConfigOptions, readConfig } from '../config-options.js';
import { assertGoldenFolder } from '../verify/assert-golden-folder.js';
import { formatReport } from '../verify/format-report.js';
import { runVerify } from '../verify/run-verify.js';
import { VerifyReport } from '../verify/verify-report.js';
import { readCounts } from './read-counts.js';
import { showStage } from './show-stage.js';

interface VerifyFlags {
  readonly weights?: string;
  readonly kernel?: string;
  readonly engineCache?: string;
  readonly chunk: string;
  readonly batch: string;
  readonly tp: string;
}

/** `tessera verify`: the parity ladder over a folder of reference data. */
export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('Compare every case of a folder of reference data with what the engine computes.')
    .argument('<goldens>', 'folder with checkpoints, media, cases and unit vectors')
    .option('--chunk <sizes>', 'prompt tokens a step: numbers or "whole", comma-separated', 'whole')
    .option('--batch <sizes>', 'cases that run together, comma-separated', '1')
    .option('--tp <degrees>', 'tensor-parallel degrees, comma-separated', '1');
  return addConfigOptions(command, ['weights', 'kernel', 'engineCache']).action(verify);
}

async function verify(dir: string, { chunk, batch, tp, ...flags }: VerifyFlags): Promise<void> {
  await assertGoldenFolder(dir);
  const { weights, kernel, engineCache } = readConfig(flags);
  const report = new VerifyReport();
  const startMs = performance.now();
  const options = {
    weights: parseWeightPlan(weights),
    kernel,
    chunkLens: readCounts('--chunk', chunk, { whole: Number.POSITIVE_INFINITY }),
    batchSizes: readCounts('--batch', batch),
    numRanks: readCounts('--tp', tp),
    cacheDir: engineCache,
    onProgress: showStage,
  };
  await runVerify(dir, options, report);
  showStage();
  console.log(formatReport(report, (performance.now() - startMs) / 1000));
  if (report.failures.length > 0) process.exitCode = 1;
}
