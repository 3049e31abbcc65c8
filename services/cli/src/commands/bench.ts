import { availableParallelism } from 'node:os';
import { prepareEngine } from '@tessera/engine';
import { loadProcessor, parseWeightPlan, servingOptions } from '@tessera/onnx-graph';
import { defaultEngineCache } from '@tessera/standalone';
import { Command, Option } from 'commander';
import { benchEngine } from '../bench/bench-engine.js';
import { compareWithLast, saveResult } from '../bench/bench-results.js';
import { describeMachine } from '../bench/describe-machine.js';
import { formatBench } from '../bench/format-bench.js';
import { createCompileProgress } from '../compile-progress.js';
import { parseCount } from './parse-count.js';
import { readCounts } from './read-counts.js';

interface BenchFlags {
  readonly weights: string;
  readonly kv: 'float32' | 'int8';
  readonly threads: number;
  readonly context: number;
  readonly prefill: string;
  readonly batch: string;
  readonly image: string;
  readonly repeat: number;
  readonly engineCache: string;
  readonly results?: string;
}

/** `tessera bench engine`: speed and memory of one rank, without a server around it. */
export function benchCommand(): Command {
  const engine = new Command('engine')
    .description('Measure prefill, decode, image encoding, load time and memory of one rank.')
    .argument('<checkpoint>', 'checkpoint folder; random-checkpoint writes one of any published size')
    .option('--weights <form>', 'form of the weights', 'int8')
    .addOption(new Option('--kv <dtype>', 'keys and values').choices(['float32', 'int8']).default('float32'))
    .option('--threads <n>', 'threads inside an operation', parseCount, availableParallelism())
    .option('--context <n>', 'positions before each decoded token', parseCount, 1024)
    .option('--prefill <sizes>', 'prompt lengths, comma-separated', '512')
    .option('--batch <sizes>', 'sequences decoded together, comma-separated', '1,4,8,16')
    .option('--image <sides>', 'sides of square pictures in pixels, comma-separated', '448,1092')
    .option('--repeat <n>', 'measured runs of each, after a warm-up', parseCount, 5)
    .option('--engine-cache <dir>', 'folder in which compiled engines are kept', defaultEngineCache)
    .option('--results <dir>', 'keep the result as text here and compare it with the last one');
  return new Command('bench').description('Measure the engine.').addCommand(engine.action(bench));
}

async function bench(checkpoint: string, flags: BenchFlags): Promise<void> {
  const { threads: numThreads, context: contextLen, repeat: numRuns } = flags;
  const progress = createCompileProgress();
  const startMs = performance.now();
  const engine = await prepareEngine(checkpoint, servingOptions(parseWeightPlan(flags.weights), 1), {
    cacheDir: flags.engineCache,
    numThreads,
    onProgress: progress.onProgress,
  }).finally(progress.finish);
  const compileMs = engine.isReused ? undefined : performance.now() - startMs;
  const { config } = await loadProcessor(checkpoint);
  const result = await benchEngine(engine, config, {
    numThreads,
    kvDtype: flags.kv,
    contextLen,
    numRuns,
    prefillLens: readCounts('--prefill', flags.prefill),
    batchSizes: readCounts('--batch', flags.batch),
    imageSides: readCounts('--image', flags.image),
    onProgress: (what) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${what}`),
  });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const subject = { checkpoint, weights: `${flags.weights}, ${flags.kv} KV`, contextLen, compileMs };
  const text = formatBench(subject, result, await describeMachine());
  console.log(text);
  if (!flags.results) return;
  const comparison = await compareWithLast(flags.results, subject, result);
  if (comparison) console.log(`\n${comparison}`);
  console.log(`\nkept as ${await saveResult(flags.results, subject, result, text)}`);
}
