import { prepareEngine } from '@tessera/engine';
import {
  type CompiledEngine,
  type CompileProgress,
  loadProcessor,
  servingOptions,
  type WeightPlan,
  weightPlans,
} from '@tessera/onnx-graph';
import type { Processor } from '@tessera/qwen2-5-vl';
import { Baseline, type EngineComparison } from './baseline.js';
import { type EvalItem, readEvalItems } from './eval-items.js';
import { preparePrompts } from './eval-prompts.js';
import { type MatrixError, measureMatrices } from './matrix-errors.js';
import type { AnswerTokens, EngineSetup, EvalSuite } from './run-engine.js';
import { meanScores, scoreAnswer, type TaskScores } from './score-answers.js';
import { syntheticPrompts } from './synthetic-prompts.js';

export interface QuantizationOptions {
  readonly weights: WeightPlan;
  readonly kvDtype: 'float32' | 'int8';
  /** Evaluation folder; synthetic prompts when there is none. */
  readonly evalDir?: string;
  readonly cacheDir: string;
  readonly numThreads: number;
  readonly onCompileProgress: (progress: CompileProgress) => void;
  /** Names what is being run. */
  readonly onProgress: (what: string) => void;
}

/** What a checkpoint loses by a form of its weights and keys. */
export interface QuantizationReport {
  readonly modelRevision: string;
  readonly weights: WeightPlan;
  readonly kvDtype: 'float32' | 'int8';
  readonly numPrompts: number;
  readonly comparison: Omit<EngineComparison, 'answers'>;
  /** Prompts that both engines answer in the same tokens. */
  readonly numSameAnswers: number;
  /** Of an evaluation folder only. */
  readonly scores?: { readonly fp32: TaskScores; readonly quantized: TaskScores };
  readonly matrices: readonly MatrixError[];
}

/** Runs the fp32 engine, then the quantised one, over the same inputs; they are never in memory together. */
export async function reportQuantization(
  checkpointDir: string,
  options: QuantizationOptions,
): Promise<QuantizationReport> {
  const processor = await loadProcessor(checkpointDir);
  const items = options.evalDir === undefined ? undefined : await readEvalItems(options.evalDir);
  const suite = items ? await evalSuite(items, processor) : syntheticSuite(processor);
  const [fp32, quantized] = [
    await prepareTappedEngine(checkpointDir, weightPlans.fp32, options),
    await prepareTappedEngine(checkpointDir, options.weights, options),
  ];
  const baseline = await Baseline.record(setupOf(fp32, 'fp32', 'float32', options), suite);
  try {
    const setup = setupOf(quantized, 'quantised', options.kvDtype, options);
    const { answers, ...comparison } = await baseline.compare(setup);
    options.onProgress('reading weights');
    return {
      modelRevision: quantized.manifest.modelRevision,
      weights: options.weights,
      kvDtype: options.kvDtype,
      numPrompts: suite.prompts.length,
      comparison,
      numSameAnswers: [...answers].filter(([id, tokens]) => tokens.join() === baseline.answers.get(id)?.join()).length,
      scores: items && {
        fp32: scoreItems(items, baseline.answers, processor),
        quantized: scoreItems(items, answers, processor),
      },
      matrices: await measureMatrices(checkpointDir, quantized),
    };
  } finally {
    baseline.close();
  }
}

/** The engine that serves, but for the tower's outputs after each block. */
export function prepareTappedEngine(
  checkpointDir: string,
  weights: WeightPlan,
  options: Pick<QuantizationOptions, 'cacheDir' | 'numThreads' | 'onCompileProgress'>,
): Promise<CompiledEngine> {
  const { cacheDir, numThreads, onCompileProgress: onProgress } = options;
  return prepareEngine(
    checkpointDir,
    { ...servingOptions(weights, 1), hasTaps: true },
    { cacheDir, numThreads, onProgress },
  );
}

/** The reference's answers are not longer than this. */
const maxEvalTokens = 220;
const maxSyntheticTokens = 48;

/** The reference's answers to all items are forced. */
export async function evalSuite(items: readonly EvalItem[], processor: Processor): Promise<EvalSuite> {
  return {
    processor,
    prompts: await preparePrompts(items, processor),
    references: new Map(items.map(({ id, tokens }) => [id, tokens])),
    maxNewTokens: maxEvalTokens,
  };
}

function syntheticSuite(processor: Processor): EvalSuite {
  return { processor, prompts: syntheticPrompts(processor), maxNewTokens: maxSyntheticTokens };
}

export function scoreItems(items: readonly EvalItem[], answers: AnswerTokens, { tokenizer }: Processor): TaskScores {
  const scored = items.map((item) => {
    const text = tokenizer.decode([...(answers.get(item.id) ?? [])]);
    return { task: item.task, scores: scoreAnswer(item, text) };
  });
  return meanScores(scored);
}

function setupOf(
  { dir: engineDir }: CompiledEngine,
  label: string,
  kvDtype: EngineSetup['kvDtype'],
  { numThreads, onProgress }: QuantizationOptions,
): EngineSetup {
  return { engineDir, kvDtype, numThreads, onProgress: (what) => onProgress(`${label}: ${what}`) };
}
