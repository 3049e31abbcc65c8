import { workerData } from 'node:worker_threads';
import { instantiateKernel } from './attention-kernel.js';
import { type AttentionWorkerData, control } from './attention-threads.js';

const { module, memories, places, control: controlBuffer } = workerData as AttentionWorkerData;
const words = new Int32Array(controlBuffer);
const kernels = memories.map((memory) => instantiateKernel(module, memory));

for (let seen = 0; Atomics.load(words, control.isStopped) === 0; ) {
  Atomics.wait(words, control.generation, seen);
  seen = Atomics.load(words, control.generation);
  const memory = Atomics.load(words, control.memory);
  kernels[memory].work(places[memory].job, places[memory].scratch, seen);
}
