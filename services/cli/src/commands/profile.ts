import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from 'commander';
import { describeMachine } from '../bench/describe-machine.js';
import { chromeTrace } from '../profile/chrome-trace.js';
import { flamePage } from '../profile/flame-page.js';
import { formatPhase, legend } from '../profile/format-profile.js';
import { profileEngine } from '../profile/profile-engine.js';
import { runWithEnv } from '../profile/run-with-env.js';
import { measureEngine } from './measure-engine.js';
import { parseCount } from './parse-count.js';
import { addWorkloadFlags, readEngineConfig, readWorkload, type WorkloadFlags } from './workload-flags.js';

interface ProfileFlags extends WorkloadFlags {
  readonly top: number;
  readonly html?: string;
  readonly trace?: string;
}

/**
 * `tessera profile`: where the time of a step goes on one rank, by graph and operation.
 *
 * While ONNX Runtime profiles, the C library puts its notes into the gaps that the graphs' buffers leave, so that these
 * find no room again and the heap grows by every run (3B: by more than a gigabyte a prefill of 512). Buffers in
 * mappings of their own leave no gaps.
 */
export function profileCommand(): Command {
  const command = new Command('profile').description(
    'Show where the time of a prefill, a decode step and an image encode goes: kernels, waiting, host.',
  );
  return addWorkloadFlags(command, { batch: '8', image: '448' })
    .option('--top <n>', 'nodes listed', parseCount, 15)
    .option('--html <file>', 'write a flame view, a page that opens in any browser')
    .option('--trace <file>', 'write a time line for Perfetto or chrome://tracing')
    .action((checkpoint: string, flags: ProfileFlags) =>
      runWithEnv('MALLOC_MMAP_THRESHOLD_', String(2 ** 20), () => profile(checkpoint, flags)),
    );
}

async function profile(checkpoint: string, flags: ProfileFlags): Promise<void> {
  const options = readEngineConfig(flags);
  const workload = readWorkload(flags, options);
  const { result: phases } = await measureEngine(checkpoint, options, workload, profileEngine);
  const title = `${basename(checkpoint)}, ${options.weights}, ${options.kv} KV, ${options.threads} threads`;
  const machine = await describeMachine();
  const report = [...phases.map((phase) => formatPhase(phase, flags.top)), legend].join('\n\n');
  console.log(`${title}\n${machine}\n\n${report}`);
  if (flags.html) await writeFile(flags.html, await flamePage({ title, machine, report }, phases));
  if (flags.trace) await writeFile(flags.trace, chromeTrace(phases));
}
