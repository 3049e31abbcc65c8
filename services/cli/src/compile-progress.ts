import type { CompileProgress } from '@tessera/onnx-graph';
import { createProgress, type Progress, type ProgressOptions } from '@tessera/runtime';

const titles: Readonly<Record<CompileProgress['phase'], string>> = {
  digest: 'Reading checkpoint',
  weights: 'Writing engine',
  probe: 'Probing row invariance',
};

/** Less than this is over at once. */
const leastShownBytes = 256 << 20;

/** Where the bars are drawn, and by which clock. */
export type ProgressScreen = Pick<ProgressOptions, 'stream' | 'now' | 'lineIntervalMs'>;

export interface CompileProgressBars {
  readonly onProgress: (progress: CompileProgress) => void;
  /** Must be called at the end, whether or not it was reached: a bar that is not full stays where it was. */
  readonly finish: () => void;
}

/** Shows a compilation as progress bars, one a phase; work that is over at once shows nothing. */
export function createCompileProgress(screen: ProgressScreen = {}): CompileProgressBars {
  let shown: { readonly bar?: Progress; readonly progress: CompileProgress } | undefined;
  const finish = (): void => {
    if (shown?.progress.doneBytes === shown?.progress.totalBytes) shown?.bar?.finish();
    else shown?.bar?.fail();
    shown = undefined;
  };
  const onProgress = (progress: CompileProgress): void => {
    const { phase, doneBytes, totalBytes } = progress;
    if (phase !== shown?.progress.phase) finish();
    const bar = shown?.bar ?? start(phase, totalBytes, screen);
    bar?.advance(doneBytes - (shown?.progress.doneBytes ?? 0));
    shown = { bar, progress };
  };
  return { onProgress, finish };
}

function start(phase: CompileProgress['phase'], totalBytes: number, screen: ProgressScreen): Progress | undefined {
  if (totalBytes < leastShownBytes) return undefined;
  return createProgress({ title: titles[phase], total: totalBytes, unit: 'bytes', ...screen });
}
