import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { defaultEngineCache } from '@tessera/engine';
import { parseWeightPlan } from '@tessera/onnx-graph';
import { Command, Option } from 'commander';
import { createCompileProgress } from '../compile-progress.js';
import { formatQuantization } from '../quantization/format-quantization.js';
import { reportQuantization } from '../quantization/quantization-report.js';
import { parseCount } from './parse-count.js';
import { showStage } from './show-stage.js';

interface QuantizationFlags {
  readonly weights: string;
  readonly kv: 'float32' | 'int8';
  readonly eval?: string;
  readonly json?: string;
  readonly threads: number;
  readonly engineCache: string;
}

/** `tessera quantization-report`: what quantised weights cost, layer by layer, against the fp32 engine. */
export function quantizationReportCommand(): Command {
  return new Command('quantization-report')
    .description('Compare a quantised engine with the fp32 one: layers, logits, answers and stored matrices.')
    .argument('<checkpoint>', 'checkpoint folder')
    .option('--weights <form>', 'form of the weights: int8, int4, or by part such as int8,decoder=int4', 'int8')
    .addOption(new Option('--kv <dtype>', 'keys and values').choices(['float32', 'int8']).default('float32'))
    .option('--eval <dir>', 'evaluation folder with eval.jsonl and reference.jsonl; without it, prompts are synthetic')
    .option('--json <file>', 'write the whole report here')
    .option('--threads <n>', 'threads inside an operation', parseCount, availableParallelism())
    .option('--engine-cache <dir>', 'folder in which compiled engines are kept', defaultEngineCache)
    .action(report);
}

async function report(checkpoint: string, flags: QuantizationFlags): Promise<void> {
  const progress = createCompileProgress();
  const result = await reportQuantization(checkpoint, {
    weights: parseWeightPlan(flags.weights),
    kvDtype: flags.kv,
    evalDir: flags.eval,
    cacheDir: flags.engineCache,
    numThreads: flags.threads,
    onCompileProgress: progress.onProgress,
    onProgress: (what) => {
      progress.finish();
      showStage(what);
    },
  }).finally(progress.finish);
  showStage();
  console.log(formatQuantization(result));
  if (flags.json) await writeFile(flags.json, `${JSON.stringify(result, undefined, 2)}\n`);
}
