import './disable-telemetry.js';

import { join } from 'node:path';
import { ServingError } from '@tessera/domain';
import { InferenceSession } from 'onnxruntime-node';
import { SessionProfiler } from '../profile/session-profiler.js';

export interface SessionOptions {
  /** Threads inside an operator. */
  readonly numThreads: number;
  /**
   * Whether memory for intermediate values is kept and used again; default false. Without it, malloc cannot join what
   * the large values of a deep graph leave free: the 3B's tower grew to 2.4–3.1 GB on 1092 × 1092 pixels instead of 1.0.
   */
  readonly hasArena?: boolean;
}

/**
 * Loads one graph of an engine directory on the CPU provider; inside `SessionProfiler.watch` it is profiled. Throws
 * `engine_invalid`.
 */
export async function createSession(
  engineDir: string,
  graph: string,
  { numThreads, hasArena = false }: SessionOptions,
): Promise<InferenceSession> {
  const profiler = SessionProfiler.current;
  try {
    const session = await InferenceSession.create(join(engineDir, graph), {
      executionProviders: ['cpu'],
      intraOpNumThreads: numThreads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      enableCpuMemArena: hasArena,
      enableMemPattern: false,
      // Without it, a session's idle threads spin through the runs of the others (measured: 8× a step).
      extra: { session: { force_spinning_stop: '1' } },
      logSeverityLevel: 3,
      ...profiler?.sessionOptions,
    });
    profiler?.observe(graph, session);
    return session;
  } catch (cause) {
    throw new ServingError(
      'engine_invalid',
      `ONNX Runtime refuses ${graph}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { graph },
      { cause },
    );
  }
}
