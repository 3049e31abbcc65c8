import type { DecoderDescription, DecoderEngine, StepResult } from '@tessera/domain';
import type { DecoderOptions } from '../decoder/decoder-options.js';
import { type EngineThread, WorkerClient } from './worker-client.js';

export interface DecoderWorkerData {
  readonly engineDir: string;
  readonly options: DecoderOptions;
}

export interface DecoderThread extends DecoderEngine, EngineThread {
  /** Drops all sequences and staged embeddings, after the calls before; pages keep what they hold. */
  reset(): Promise<void>;
}

/** All decoder ranks of an engine directory, in a worker thread of their own. Throws `engine_invalid`. */
export async function createDecoderEngine(engineDir: string, options: DecoderOptions): Promise<DecoderThread> {
  const entry = new URL('./decoder-worker.js', import.meta.url);
  const workerData: DecoderWorkerData = { engineDir, options };
  const client = await WorkerClient.start<DecoderDescription>(entry, workerData);
  return {
    description: client.description,
    stage: (embedding) => client.call('stage', [embedding], [embedding.data.buffer as ArrayBuffer]),
    reset: () => client.call('reset', []),
    unstage: (embeddingKey) => client.call('unstage', [embeddingKey]),
    step: (plan) => client.call<StepResult>('step', [plan]),
    close: () => client.close(),
    failed: client.failed,
    get failure() {
      return client.failure;
    },
  };
}
