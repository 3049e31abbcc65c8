import { CpuEncoder, type GraphRun, SessionProfiler } from '@tessera/engine';
import type { CompiledEngine } from '@tessera/onnx-graph';
import type { ModelConfig } from '@tessera/qwen2-5-vl';
import { closingAfter } from '../bench/closing-after.js';
import { encodeOften, type MeasuredEncode } from '../bench/encode-often.js';
import { LaneDriver, medianStep } from '../bench/lane-driver.js';
import type { MeasureHooks } from '../bench/measure-hooks.js';
import type { Workload } from '../bench/workload.js';
import type { PhaseProfile, RecordedStep, TimedStep } from './phase-profile.js';

interface Phase {
  readonly title: string;
  readonly measure: () => Promise<TimedStep[]>;
}

/**
 * Runs every phase of the workload twice, with profiling and then without, on one rank in this process. Rejects with the
 * reason of `signal`, with nothing left open and no trace left behind.
 */
export async function profileEngine(
  { dir }: CompiledEngine,
  config: ModelConfig,
  workload: Workload,
  { signal, onProgress }: MeasureHooks,
): Promise<PhaseProfile[]> {
  // Sessions that go while they are profiled write their traces then, so the profiler removes them last.
  return closingAfter(await SessionProfiler.create(), async (profiler) => {
    onProgress('loading');
    const load = () => LaneDriver.load(dir, config.text.vocabSize, workload, signal);
    return closingAfter(await profiler.watch(load), async (driver) => {
      const create = () => CpuEncoder.create(dir, { numThreads: workload.numThreads });
      return closingAfter(await profiler.watch(create), async (encoder) => {
        const phases = listPhases({ driver, encoder, signal }, config, workload);
        const profiled = await measureAll(phases, (title) => onProgress(`${title}, profiled`));
        await profiler.finish();
        const unprofiled = await measureAll(phases, onProgress);
        const { runs } = profiler;
        return phases.map(({ title }, i) => ({
          title,
          numSteps: workload.numRuns,
          profiled: withRuns(medianStep(profiled[i]), runs),
          unprofiled: withRuns(medianStep(unprofiled[i]), runs),
        }));
      });
    });
  });
}

interface Subject {
  readonly driver: LaneDriver;
  readonly encoder: CpuEncoder;
  readonly signal: AbortSignal;
}

function listPhases({ driver, encoder, signal }: Subject, { vision }: ModelConfig, workload: Workload): Phase[] {
  const { contextLen, numRuns } = workload;
  return [
    ...workload.prefillLens.map((numTokens) => ({
      title: `prefill, ${numTokens} tokens`,
      measure: () => driver.prefill(numTokens, numRuns),
    })),
    ...workload.batchSizes.map((batchSize) => ({
      title: `decode, B = ${batchSize}, context ${contextLen}`,
      measure: () => driver.decode(batchSize, contextLen, numRuns),
    })),
    ...workload.imageSides.map((side) => ({
      title: `image encode, ${side} × ${side}`,
      measure: async () => (await encodeOften(encoder, vision, { side, numRuns, signal })).map(withoutParts),
    })),
  ];
}

async function measureAll(phases: readonly Phase[], onPhase: (title: string) => void): Promise<TimedStep[][]> {
  const measured: TimedStep[][] = [];
  for (const { title, measure } of phases) {
    onPhase(title);
    measured.push(await measure());
  }
  return measured;
}

function withoutParts({ startMs, spent }: MeasuredEncode): TimedStep {
  return { startMs, spent: { ...spent, attentionMs: 0, samplingMs: 0, allReduceMs: 0 } };
}

function withRuns(step: TimedStep, runs: readonly GraphRun[]): RecordedStep {
  const endMs = step.startMs + step.spent.totalMs;
  return { ...step, runs: runs.filter(({ startMs }) => startMs >= step.startMs && startMs < endMs) };
}
