import type { DecoderDescription, StepResult } from '@tessera/domain';
import { type DecoderOptions, WorkerClient } from '@tessera/engine';
import type { MeshOptions } from '@tessera/rpc';
import type { RankEngine } from './rank-engine.js';

export interface MeshWorkerData {
  readonly engineDir: string;
  readonly options: DecoderOptions;
  readonly mesh: MeshOptions;
}

export interface MeshWorkerDescription {
  readonly decoder: DecoderDescription;
  readonly meshAddress: string;
}

/** One rank of an engine directory and its mesh, in a thread of this process. */
export async function createMeshEngine(workerData: MeshWorkerData): Promise<RankEngine> {
  const entry = new URL('./mesh-worker.js', import.meta.url);
  const client = await WorkerClient.start<MeshWorkerDescription>(entry, workerData);
  return {
    description: client.description.decoder,
    meshAddress: client.description.meshAddress,
    failed: client.failed,
    get failure() {
      return client.failure;
    },
    open: async (session) => {
      await client.call('begin', [session.session]);
      await client.call('meet', [session]);
    },
    endSession: () => client.call('end', []),
    stage: (embedding) => client.call('stage', [embedding], [embedding.data.buffer as ArrayBuffer]),
    unstage: (embeddingKey) => client.call('unstage', [embeddingKey]),
    step: (plan) => client.call<StepResult>('step', [plan]),
    close: () => client.close(),
  };
}
