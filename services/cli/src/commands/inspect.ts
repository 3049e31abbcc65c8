import { parseWeightPlan } from '@tessera/onnx-graph';
import { standaloneConfigSchema } from '@tessera/standalone';
import { Command } from 'commander';
import { addConfigOptions, readConfig } from '../config-options.js';
import { formatInspection } from '../inspect/format-inspection.js';
import { inspectCheckpoint } from '../inspect/inspect-checkpoint.js';
import { parseCount } from './parse-count.js';

/** `tessera inspect`: what a checkpoint folder holds and takes; exit code 1 when it has problems. */
export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description('Show configuration, parameter counts, memory and problems of a checkpoint folder; reads no weights.')
    .argument('<checkpoint>', 'checkpoint folder')
    .option('--json', 'print everything as JSON')
    .option('--image-pixels <n>', 'largest picture, as the model sees it', parseCount, defaultImagePixels);
  return addConfigOptions(command, standaloneConfigSchema, servedOptions).action(inspect);
}

/** 1,280 tokens, as much as the models' authors advise for everyday pictures. */
const defaultImagePixels = 1280 * 28 * 28;

const servedOptions = [
  'weights',
  'threads',
  'kv',
  'kvCacheTokens',
  'kvCacheBytes',
  'maxSequences',
  'maxContextLen',
  'maxStepTokens',
  'encodeBatchPatches',
  'embeddingCacheBytes',
  'mediaProcesses',
] as const;

interface InspectFlags {
  readonly json?: boolean;
  readonly imagePixels: number;
}

async function inspect(checkpoint: string, { json, imagePixels, ...overrides }: InspectFlags): Promise<void> {
  const config = readConfig(standaloneConfigSchema, overrides);
  const work = { ...config, imagePixels };
  const options = { weights: parseWeightPlan(config.weights), kvCache: config, work };
  const inspection = await inspectCheckpoint(checkpoint, options);
  console.log(json ? JSON.stringify(inspection, undefined, 2) : formatInspection(inspection, options));
  if (inspection.problems.length > 0) process.exitCode = 1;
}
