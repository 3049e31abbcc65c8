import {
  Checkpoint,
  type CompiledEngine,
  type CompileProgress,
  compileEngine,
  EngineCache,
  type EngineOptions,
} from '@tessera/onnx-graph';
import { probeRowInvariance } from './probe/probe-row-invariance.js';

export interface PrepareOptions {
  readonly cacheDir: string;
  /** Threads for which row invariance is probed; those the engine will run with. */
  readonly numThreads: number;
  readonly onProgress?: (progress: CompileProgress) => void;
  /** Its abort ends the compilation with its reason and removes what was written. */
  readonly signal?: AbortSignal;
}

/** From a checkpoint folder to a compiled and probed engine, or to the one compiled before. */
export async function prepareEngine(
  checkpointDir: string,
  engineOptions: EngineOptions,
  { cacheDir, numThreads, onProgress, signal }: PrepareOptions,
): Promise<CompiledEngine> {
  const checkpoint = await Checkpoint.open(checkpointDir);
  try {
    return await compileEngine(checkpoint, engineOptions, new EngineCache(cacheDir), {
      onProgress,
      signal,
      probe: (engineDir, manifest) => probeRowInvariance(engineDir, manifest, numThreads, signal),
    });
  } finally {
    await checkpoint.close();
  }
}
