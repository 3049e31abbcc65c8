import { workerData } from 'node:worker_threads';
import { type EmbeddingKey, ServingError, type StagedEmbedding, type StepPlan } from '@tessera/domain';
import { CpuDecoderRank, serveEngine } from '@tessera/engine';
import { createMesh } from '@tessera/rpc';
import type { MeshWorkerData } from './create-mesh-engine.js';
import type { GroupSession } from './rank-engine.js';

await serveEngine(async () => {
  const { engineDir, options, mesh: meshOptions } = workerData as MeshWorkerData;
  const mesh = await createMesh(meshOptions);
  const rank = await CpuDecoderRank.create(engineDir, options, mesh);
  let wanted: string | undefined;
  return {
    description: { decoder: rank.description, meshAddress: mesh.address },
    methods: {
      meet: async ({ session, meshAddresses }: GroupSession) => {
        // A meeting waits for the steps before; by its turn its leader may be gone.
        if (session !== wanted) throw new ServingError('cancelled', `Session ${session} is over.`);
        await rank.reset();
        await mesh.connect({ session, addresses: meshAddresses });
        return undefined;
      },
      stage: async (embedding: StagedEmbedding) => void (await rank.stage(embedding)),
      unstage: async (key: EmbeddingKey) => void (await rank.unstage(key)),
      step: async (plan: StepPlan) => ({ value: await rank.step(plan) }),
      close: async () => {
        await mesh.close();
        await rank.close();
        return undefined;
      },
    },
    urgentMethods: {
      begin: async (session: string) => {
        mesh.disconnect();
        wanted = session;
        return undefined;
      },
      end: async () => {
        mesh.disconnect();
        wanted = undefined;
        return undefined;
      },
    },
  };
});
