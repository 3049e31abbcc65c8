import { workerData } from 'node:worker_threads';
import type { EmbeddingKey, StagedEmbedding, StepPlan } from '@tessera/domain';
import { LocalRankGroup } from '../decoder/local-rank-group.js';
import type { DecoderWorkerData } from './create-decoder-engine.js';
import { serveEngine } from './serve-engine.js';

await serveEngine(async () => {
  const { engineDir, options } = workerData as DecoderWorkerData;
  const decoder = await LocalRankGroup.create(engineDir, options);
  return {
    description: decoder.description,
    methods: {
      stage: async (embedding: StagedEmbedding) => void (await decoder.stage(embedding)),
      reset: async () => void (await decoder.reset()),
      unstage: async (key: EmbeddingKey) => void (await decoder.unstage(key)),
      step: async (plan: StepPlan) => ({ value: await decoder.step(plan) }),
      close: async () => void (await decoder.close()),
    },
  };
});
