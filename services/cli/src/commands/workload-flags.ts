import { type StandaloneConfig, standaloneConfigSchema } from '@tessera/standalone';
import type { Command } from 'commander';
import type { Workload } from '../bench/workload.js';
import { addConfigOptions, readConfig } from '../config-options.js';
import { parseCount } from './parse-count.js';
import { readCounts } from './read-counts.js';

/** The server's options that make sense for one rank without a server. */
const engineOptions = ['engineCache', 'weights', 'kv', 'threads'] as const;

/** Flags of the commands that measure an engine. */
export interface WorkloadFlags extends Readonly<Partial<Record<(typeof engineOptions)[number], string>>> {
  readonly context: number;
  readonly prefill: string;
  readonly batch: string;
  readonly image: string;
  readonly repeat: number;
}

/** Batch sizes and picture sides when none are given, comma-separated. */
export interface WorkloadDefaults {
  readonly batch: string;
  readonly image: string;
}

const { weights } = standaloneConfigSchema.shape;

/** Measured are quantised weights, unless others are asked for. */
const measuredConfigSchema = standaloneConfigSchema.extend({
  weights: weights
    .removeDefault()
    .default('int8')
    .describe(weights.description ?? ''),
});

export function addWorkloadFlags(command: Command, defaults: WorkloadDefaults): Command {
  command
    .argument('<checkpoint>', 'checkpoint folder; random-checkpoint writes one of any published size')
    .option('--context <n>', 'positions before each decoded token', parseCount, 1024)
    .option('--prefill <sizes>', 'prompt lengths, comma-separated', '512')
    .option('--batch <sizes>', 'sequences decoded together, comma-separated', defaults.batch)
    .option('--image <sides>', 'sides of square pictures in pixels, comma-separated', defaults.image)
    .option('--repeat <n>', 'measured runs of each, after a warm-up', parseCount, 5);
  return addConfigOptions(command, measuredConfigSchema, engineOptions);
}

/** The server's options that a measurement goes by, from the environment and the flags; throws `invalid_option`. */
export function readEngineConfig(flags: WorkloadFlags): StandaloneConfig {
  const overrides = Object.fromEntries(engineOptions.map((name) => [name, flags[name]]));
  return readConfig(measuredConfigSchema, overrides);
}

/** Throws `invalid_option`. */
export function readWorkload(flags: WorkloadFlags, { threads, kv }: StandaloneConfig): Workload {
  return {
    numThreads: threads,
    kvDtype: kv,
    contextLen: flags.context,
    numRuns: flags.repeat,
    prefillLens: readCounts('--prefill', flags.prefill),
    batchSizes: readCounts('--batch', flags.batch),
    imageSides: readCounts('--image', flags.image),
  };
}
