import { Command } from 'commander';
import { benchEngine } from '../bench/bench-engine.js';
import { compareWithLast, saveResult } from '../bench/bench-results.js';
import { describeMachine } from '../bench/describe-machine.js';
import { formatBench } from '../bench/format-bench.js';
import { measureEngine } from './measure-engine.js';
import { addWorkloadFlags, readEngineConfig, readWorkload, type WorkloadFlags } from './workload-flags.js';

interface BenchFlags extends WorkloadFlags {
  readonly results?: string;
}

/** `tessera bench engine`: speed and memory of one rank, without a server around it. */
export function benchCommand(): Command {
  const engine = new Command('engine').description(
    'Measure prefill, decode, image encoding, load time and memory of one rank.',
  );
  addWorkloadFlags(engine, { batch: '1,4,8,16', image: '448,1092' })
    .option('--results <dir>', 'keep the result as text here and compare it with the last one')
    .action(bench);
  return new Command('bench').description('Measure the engine.').addCommand(engine);
}

async function bench(checkpoint: string, flags: BenchFlags): Promise<void> {
  const options = readEngineConfig(flags);
  const workload = readWorkload(flags, options);
  const { result, compileMs } = await measureEngine(checkpoint, options, workload, benchEngine);
  const { contextLen } = workload;
  const subject = { checkpoint, weights: `${options.weights}, ${options.kv} KV`, contextLen, compileMs };
  const text = formatBench(subject, result, await describeMachine());
  console.log(text);
  if (!flags.results) return;
  const comparison = await compareWithLast(flags.results, subject, result);
  if (comparison) console.log(`\n${comparison}`);
  console.log(`\nkept as ${await saveResult(flags.results, subject, result, text)}`);
}
