import { availableParallelism } from 'node:os';
import { prepareEngine } from '@tessera/engine';
import { type CompiledEngine, loadProcessor, parseWeightPlan, servingOptions } from '@tessera/onnx-graph';
import type { ModelConfig } from '@tessera/qwen2-5-vl';
import { defaultEngineCache } from '@tessera/standalone';
import { type Command, Option } from 'commander';
import type { Workload } from '../bench/workload.js';
import { createCompileProgress } from '../compile-progress.js';
import { parseCount } from './parse-count.js';
import { readCounts } from './read-counts.js';

/** Flags of the commands that measure an engine. */
export interface WorkloadFlags {
  readonly weights: string;
  readonly kv: 'float32' | 'int8';
  readonly threads: number;
  readonly context: number;
  readonly prefill: string;
  readonly batch: string;
  readonly image: string;
  readonly repeat: number;
  readonly engineCache: string;
}

/** Batch sizes and picture sides when none are given, comma-separated. */
export interface WorkloadDefaults {
  readonly batch: string;
  readonly image: string;
}

export function addWorkloadFlags(command: Command, defaults: WorkloadDefaults): Command {
  return command
    .argument('<checkpoint>', 'checkpoint folder; random-checkpoint writes one of any published size')
    .option('--weights <form>', 'form of the weights', 'int8')
    .addOption(new Option('--kv <dtype>', 'keys and values').choices(['float32', 'int8']).default('float32'))
    .option('--threads <n>', 'threads inside an operation', parseCount, availableParallelism())
    .option('--context <n>', 'positions before each decoded token', parseCount, 1024)
    .option('--prefill <sizes>', 'prompt lengths, comma-separated', '512')
    .option('--batch <sizes>', 'sequences decoded together, comma-separated', defaults.batch)
    .option('--image <sides>', 'sides of square pictures in pixels, comma-separated', defaults.image)
    .option('--repeat <n>', 'measured runs of each, after a warm-up', parseCount, 5)
    .option('--engine-cache <dir>', 'folder in which compiled engines are kept', defaultEngineCache);
}

/** Throws `invalid_option`. */
export function readWorkload(flags: WorkloadFlags): Workload {
  return {
    numThreads: flags.threads,
    kvDtype: flags.kv,
    contextLen: flags.context,
    numRuns: flags.repeat,
    prefillLens: readCounts('--prefill', flags.prefill),
    batchSizes: readCounts('--batch', flags.batch),
    imageSides: readCounts('--image', flags.image),
  };
}

export interface PreparedEngine {
  readonly engine: CompiledEngine;
  readonly config: ModelConfig;
  /** Undefined when the engine was found in the cache. */
  readonly compileMs: number | undefined;
}

/** Compiles the engine that the flags ask for, or finds it. */
export async function prepareMeasuredEngine(checkpoint: string, flags: WorkloadFlags): Promise<PreparedEngine> {
  const progress = createCompileProgress();
  const startMs = performance.now();
  const engine = await prepareEngine(checkpoint, servingOptions(parseWeightPlan(flags.weights), 1), {
    cacheDir: flags.engineCache,
    numThreads: flags.threads,
    onProgress: progress.onProgress,
  }).finally(progress.finish);
  const compileMs = engine.isReused ? undefined : performance.now() - startMs;
  const { config } = await loadProcessor(checkpoint);
  return { engine, config, compileMs };
}
