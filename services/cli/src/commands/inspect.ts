import { parseWeightPlan } from '@tessera/onnx-graph';
import { Command } from 'commander';
import { addConfigOptions, readConfig } from '../config-options.js';
import { formatInspection } from '../inspect/format-inspection.js';
import { inspectCheckpoint } from '../inspect/inspect-checkpoint.js';

/** `tessera inspect`: what a checkpoint folder holds and takes; exit code 1 when it has problems. */
export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description('Show configuration, parameter counts, memory and problems of a checkpoint folder; reads no weights.')
    .argument('<checkpoint>', 'checkpoint folder')
    .option('--json', 'print everything as JSON');
  const served = ['weights', 'kv', 'maxSequences', 'maxContextLen', 'kvCacheTokens', 'kvCacheBytes'] as const;
  return addConfigOptions(command, served).action(inspect);
}

async function inspect(checkpoint: string, { json, ...overrides }: { json?: boolean }): Promise<void> {
  const config = readConfig(overrides);
  const options = { weights: parseWeightPlan(config.weights), kvCache: config };
  const inspection = await inspectCheckpoint(checkpoint, options);
  console.log(json ? JSON.stringify(inspection, undefined, 2) : formatInspection(inspection, options));
  if (inspection.problems.length > 0) process.exitCode = 1;
}
