import { CpuEncoder, type GraphRun, SessionProfiler } from '@tessera/engine';
import type { CompiledEngine } from '@tessera/onnx-graph';
import type { ModelConfig } from '@tessera/qwen2-5-vl';
import { LaneDriver, medianStep } from '../bench/lane-driver.js';
import { noisePicture } from '../bench/noise-picture.js';
import type { Workload } from '../bench/workload.js';
import type { PhaseProfile, RecordedStep, TimedStep } from './phase-profile.js';

interface Phase {
  readonly title: string;
  readonly measure: () => Promise<TimedStep[]>;
}

/** Runs every phase of the workload twice, with profiling and then without, on one rank in this process. */
export async function profileEngine(
  { dir }: CompiledEngine,
  config: ModelConfig,
  workload: Workload,
  onProgress: (what: string) => void,
): Promise<PhaseProfile[]> {
  const profiler = await SessionProfiler.create();
  try {
    onProgress('loading');
    const driver = await profiler.watch(() => LaneDriver.load(dir, config.text.vocabSize, workload));
    const encoder = await profiler.watch(() => CpuEncoder.create(dir, { numThreads: workload.numThreads }));
    const phases = listPhases(driver, encoder, config, workload);
    const profiled = await measureAll(phases, (title) => onProgress(`${title}, profiled`));
    await profiler.finish();
    const unprofiled = await measureAll(phases, onProgress);
    const { runs } = profiler;
    await encoder.close();
    await driver.close();
    return phases.map(({ title }, i) => ({
      title,
      numSteps: workload.numRuns,
      profiled: withRuns(medianStep(profiled[i]), runs),
      unprofiled: withRuns(medianStep(unprofiled[i]), runs),
    }));
  } finally {
    await profiler.close();
  }
}

function listPhases(driver: LaneDriver, encoder: CpuEncoder, config: ModelConfig, workload: Workload): Phase[] {
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
      measure: () => encodeOften(encoder, config, side, numRuns),
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

/** One call before them is not measured. */
async function encodeOften(
  encoder: CpuEncoder,
  { vision }: ModelConfig,
  side: number,
  numRuns: number,
): Promise<TimedStep[]> {
  const picture = noisePicture(vision, side);
  const steps: TimedStep[] = [];
  for (let run = 0; run <= numRuns; run++) {
    const startMs = performance.now();
    await encoder.encode([picture]);
    const totalMs = performance.now() - startMs;
    if (run > 0) steps.push({ startMs, spent: { totalMs, attentionMs: 0, samplingMs: 0, allReduceMs: 0 } });
  }
  return steps;
}

function withRuns(step: TimedStep, runs: readonly GraphRun[]): RecordedStep {
  const endMs = step.startMs + step.spent.totalMs;
  return { ...step, runs: runs.filter(({ startMs }) => startMs >= step.startMs && startMs < endMs) };
}
