import { ServingError } from '@tessera/domain';
import { prepareEngine } from '@tessera/engine';
import { type CompiledEngine, loadProcessor, parseWeightPlan, servingOptions } from '@tessera/onnx-graph';
import type { ModelConfig } from '@tessera/qwen2-5-vl';
import type { StandaloneConfig } from '@tessera/standalone';
import type { MeasureHooks } from '../bench/measure-hooks.js';
import type { Workload } from '../bench/workload.js';
import { assertWithinModel } from '../bench/workload-capacity.js';
import { createCompileProgress } from '../compile-progress.js';
import { untilInterrupted } from '../until-interrupted.js';
import { showStage } from './show-stage.js';

/** How an engine is measured: `benchEngine`, `profileEngine`. */
export type Measure<Result> = (
  engine: CompiledEngine,
  config: ModelConfig,
  workload: Workload,
  hooks: MeasureHooks,
) => Promise<Result>;

export interface Measurement<Result> {
  readonly result: Result;
  /** Undefined when the engine was found in the cache. */
  readonly compileMs: number | undefined;
}

/**
 * Compiles the engine that the options ask for, or finds it, and measures it. Throws `invalid_option` before that for a
 * workload that the model cannot run, and `cancelled` when it is interrupted: nothing half-made is left then.
 */
export async function measureEngine<Result>(
  checkpoint: string,
  options: StandaloneConfig,
  workload: Workload,
  measure: Measure<Result>,
): Promise<Measurement<Result>> {
  const { config } = await loadProcessor(checkpoint);
  assertWithinModel(workload, config.text);
  return untilInterrupted(async (signal) => {
    try {
      const { engine, compileMs } = await prepare(checkpoint, options, signal);
      const result = await measure(engine, config, workload, { signal, onProgress: showStage });
      return { result, compileMs };
    } catch (cause) {
      if (!signal.aborted) throw cause;
      throw new ServingError('cancelled', 'Interrupted: the measurement is not complete.', {}, { cause });
    } finally {
      showStage();
    }
  });
}

async function prepare(checkpoint: string, options: StandaloneConfig, signal: AbortSignal) {
  const { weights, engineCache: cacheDir, threads: numThreads } = options;
  const { onProgress, finish } = createCompileProgress();
  const startMs = performance.now();
  const engineOptions = servingOptions(parseWeightPlan(weights), 1);
  const where = { cacheDir, numThreads, onProgress, signal };
  const engine = await prepareEngine(checkpoint, engineOptions, where).finally(finish);
  return { engine, compileMs: engine.isReused ? undefined : performance.now() - startMs };
}
