import type { AttentionKernelName } from '@tessera/engine';
import { parseWeightPlan } from '@tessera/onnx-graph';
import { defaultEngineCache } from '@tessera/standalone';
import { Command, Option } from 'commander';
import { formatReport } from '../verify/format-report.js';
import { runVerify } from '../verify/run-verify.js';
import { VerifyReport } from '../verify/verify-report.js';
import { readCounts } from './read-counts.js';

interface VerifyFlags {
  readonly weights: string;
  readonly kernel: AttentionKernelName;
  readonly chunk: string;
  readonly batch: string;
  readonly tp: string;
  readonly engineCache: string;
}

/** `tessera verify`: the parity ladder over a folder of reference data. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('Compare every case of a folder of reference data with what the engine computes.')
    .argument('<goldens>', 'folder with checkpoints, media, cases and unit vectors')
    .option('--weights <form>', 'form of the weights: fp32, int8, int4, or by part such as int8,decoder=int4', 'fp32')
    .addOption(new Option('--kernel <name>', 'attention kernel').choices(['wasm', 'plain']).default('wasm'))
    .option('--chunk <sizes>', 'prompt tokens a step: numbers or "whole", comma-separated', 'whole')
    .option('--batch <sizes>', 'cases that run together, comma-separated', '1')
    .option('--tp <degrees>', 'tensor-parallel degrees, comma-separated', '1')
    .option('--engine-cache <dir>', 'folder in which compiled engines are kept', defaultEngineCache)
    .action(verify);
}

async function verify(dir: string, flags: VerifyFlags): Promise<void> {
  const report = new VerifyReport();
  const startMs = performance.now();
  const options = {
    weights: parseWeightPlan(flags.weights),
    kernel: flags.kernel,
    chunkLens: readCounts('--chunk', flags.chunk, { whole: Number.POSITIVE_INFINITY }),
    batchSizes: readCounts('--batch', flags.batch),
    numRanks: readCounts('--tp', flags.tp),
    cacheDir: flags.engineCache,
    onProgress: showProgress,
  };
  await runVerify(dir, options, report);
  showProgress('');
  console.log(formatReport(report, (performance.now() - startMs) / 1000));
  if (report.failures.length > 0) process.exitCode = 1;
}

/** What is being checked, on one line of a terminal; nothing elsewhere. */
function showProgress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}
