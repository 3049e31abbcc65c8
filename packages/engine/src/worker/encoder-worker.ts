import { workerData } from 'node:worker_threads';
import type { VisualInput } from '@tessera/domain';
import { CpuEncoder } from '../encoder/cpu-encoder.js';
import type { EncoderWorkerData } from './create-encoder-engine.js';
import { serveEngine } from './serve-engine.js';

await serveEngine(async () => {
  const { engineDir, options } = workerData as EncoderWorkerData;
  const encoder = await CpuEncoder.create(engineDir, options);
  return {
    description: encoder.description,
    methods: {
      encode: async (visuals: readonly VisualInput[]) => {
        const value = await encoder.encode(visuals);
        return { value, transfer: value.map(({ buffer }) => buffer as ArrayBuffer) };
      },
      close: async () => void (await encoder.close()),
    },
  };
});
