import type { CompileProgress } from '@tessera/onnx-graph';
import { createProgress, type Progress } from '@tessera/runtime';

const titles: Readonly<Record<CompileProgress['phase'], string>> = {
  digest: 'Reading checkpoint',
  weights: 'Writing engine',
  probe: 'Probing row invariance',
};

/** Shows a compilation as progress bars, one a phase; work that is over at once shows nothing. */
export function createCompileProgress(): { onProgress: (progress: CompileProgress) => void; finish: () => void } {
  const smallBytes = 256 << 20;
  let phase: CompileProgress['phase'] | undefined;
  let bar: Progress | undefined;
  let doneBytes = 0;
  const finish = (): void => {
    bar?.finish();
    bar = undefined;
  };
  const onProgress = (progress: CompileProgress): void => {
    if (progress.phase !== phase) {
      finish();
      phase = progress.phase;
      doneBytes = 0;
      if (progress.totalBytes > smallBytes) {
        bar = createProgress({ title: titles[phase], total: progress.totalBytes, unit: 'bytes' });
      }
    }
    bar?.advance(progress.doneBytes - doneBytes);
    doneBytes = progress.doneBytes;
  };
  return { onProgress, finish };
}
