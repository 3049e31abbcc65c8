import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  Checkpoint,
  type CompiledEngine,
  type CompileProgress,
  compileEngine,
  EngineCache,
  type EngineOptions,
} from '@tessera/onnx-graph';
import { holdingMachineLock } from './machine-lock.js';
import { probeRowInvariance } from './probe/probe-row-invariance.js';

/** Engines are kept where XDG says that caches go. */
export const defaultEngineCache = join(homedir(), '.cache', 'tessera');

export interface PrepareOptions {
  readonly cacheDir: string;
  /** Threads for which row invariance is probed; those the engine will run with. */
  readonly numThreads: number;
  readonly onProgress?: (progress: CompileProgress) => void;
  /** Its abort ends the compilation with its reason and removes what was written. */
  readonly signal?: AbortSignal;
}

/**
 * From a checkpoint folder to a compiled and probed engine, or to the one compiled before. Processes of one machine
 * that ask for the same cache at once take turns, so that one compiles and the others find its engine.
 */
export async function prepareEngine(
  checkpointDir: string,
  engineOptions: EngineOptions,
  { cacheDir, numThreads, onProgress, signal }: PrepareOptions,
): Promise<CompiledEngine> {
  const checkpoint = await Checkpoint.open(checkpointDir);
  const compile = () =>
    compileEngine(checkpoint, engineOptions, new EngineCache(cacheDir), {
      onProgress,
      signal,
      probe: (engineDir, manifest) => probeRowInvariance(engineDir, manifest, numThreads, signal),
    });
  try {
    return await holdingMachineLock(`engine cache ${resolve(cacheDir)}`, compile, signal);
  } finally {
    await checkpoint.close();
  }
}
