import type { EncoderDescription, EncoderEngine } from '@tessera/domain';
import type { EncoderOptions } from '../encoder/cpu-encoder.js';
import { type EngineThread, WorkerClient } from './worker-client.js';

export interface EncoderWorkerData {
  readonly engineDir: string;
  readonly options: EncoderOptions;
}

/** The vision tower of an engine directory, in a worker thread of its own. Throws `engine_invalid`. */
export async function createEncoderEngine(
  engineDir: string,
  options: EncoderOptions,
): Promise<EncoderEngine & EngineThread> {
  const entry = new URL('./encoder-worker.js', import.meta.url);
  const workerData: EncoderWorkerData = { engineDir, options };
  const client = await WorkerClient.start<EncoderDescription>(entry, workerData);
  return {
    description: client.description,
    encode: (visuals) => client.call<Float32Array[]>('encode', [visuals]),
    close: () => client.close(),
    failed: client.failed,
    get failure() {
      return client.failure;
    },
  };
}
