import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { KvLayout } from '@tessera/domain';
import type { AttentionInputs, AttentionShape, AttentionSpan, PagedAttention } from '../paged-attention.js';
import { AttentionJob } from './attention-job.js';
import { type AttentionKernel, instantiateKernel, type KernelFormat, pageBytes } from './attention-kernel.js';
import { AttentionThreads } from './attention-threads.js';
import { type AttentionCapacity, type KvMemoryPlan, planMemories, wasmPageLen } from './kv-memory-plan.js';

/** One WebAssembly memory with the layers in it. */
interface KvMemory {
  readonly plan: KvMemoryPlan;
  readonly job: AttentionJob;
  readonly kernel: AttentionKernel;
  readonly floats: Float32Array;
}

/**
 * The fast kernel: WebAssembly SIMD over shared memory, on this thread and helper threads. The head dimension must be
 * a multiple of 8. When a thread fails, the call that needs it rejects with `worker_failed`, and so does every later one.
 */
export class WasmAttention implements PagedAttention {
  readonly layout: KvLayout;
  readonly #shape: AttentionShape;
  readonly #memories: readonly KvMemory[];
  readonly #layersPerMemory: number;
  readonly #threads: AttentionThreads;

  constructor(shape: AttentionShape, capacity: AttentionCapacity, format: KernelFormat = 'float32') {
    const module = loadKernel(format);
    const plans = planMemories(shape, capacity, pageBytes(format, shape.headDim, wasmPageLen));
    const memories = plans.map(createMemory);
    this.#shape = shape;
    this.#layersPerMemory = plans[0].numLayers;
    this.#memories = plans.map((plan, i) => ({
      plan,
      job: new AttentionJob(memories[i], plan, shape, capacity),
      kernel: instantiateKernel(module, memories[i]),
      floats: new Float32Array(memories[i].buffer),
    }));
    this.#threads = new AttentionThreads(capacity.numThreads - 1, (helper) => ({
      module,
      memories,
      places: plans.map(({ job, scratch, scratchBytes }) => ({ job, scratch: scratch + (helper + 1) * scratchBytes })),
    }));
    this.layout = {
      dtype: format,
      pageLen: wasmPageLen,
      numPages: capacity.numPages,
      layersPerMemory: this.#layersPerMemory,
    };
  }

  async attend(layer: number, spans: readonly AttentionSpan[], qkv: AttentionInputs, out: Float32Array): Promise<void> {
    const memoryIndex = Math.floor(layer / this.#layersPerMemory);
    const memory = this.#memories[memoryIndex];
    const { plan, job, floats } = memory;
    this.#threads.assertAlive();
    const generation = this.#threads.nextGeneration();
    job.close(generation);
    job.selectLayer(layer % this.#layersPerMemory);
    job.setSpans(spans);
    floats.set(qkv.q, plan.queries / 4);
    floats.set(qkv.k, plan.keys / 4);
    floats.set(qkv.v, plan.values / 4);
    this.#storeRows(memory, spans);
    job.open(generation);
    this.#threads.wake(memoryIndex);
    this.#work(memory, generation);
    while (!job.blockUntilFinished()) await this.#hearOfThreads();
    const numValues = job.numRows * this.#shape.numHeads * this.#shape.headDim;
    out.set(floats.subarray(plan.output / 4, plan.output / 4 + numValues));
  }

  close(): Promise<void> {
    return this.#threads.stop();
  }

  /** This thread's share; a trap in it leaves an item unfinished like the death of a helper. */
  #work({ plan, kernel }: KvMemory, generation: number): void {
    try {
      kernel.work(plan.job, plan.scratch, generation);
    } catch (cause) {
      this.#threads.fail(cause);
    }
    this.#threads.assertAlive();
  }

  /** The end of a thread is told by an event, which waits for a turn of this one. */
  async #hearOfThreads(): Promise<void> {
    await setImmediate();
    this.#threads.assertAlive();
  }

  #storeRows({ plan, kernel }: KvMemory, spans: readonly AttentionSpan[]): void {
    const rowBytes = this.#shape.numKvHeads * this.#shape.headDim * 4;
    for (const { firstRow, numRows, firstPosition, pages } of spans) {
      for (let r = 0; r < numRows; r++) {
        const position = firstPosition + r;
        const offset = (firstRow + r) * rowBytes;
        const page = pages[Math.floor(position / wasmPageLen)];
        kernel.storeRow(plan.job, plan.keys + offset, plan.values + offset, page, position % wasmPageLen);
      }
    }
  }
}

function createMemory({ numBytes }: KvMemoryPlan): WebAssembly.Memory {
  const pages = Math.ceil(numBytes / 2 ** 16);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

const kernelFiles: Readonly<Record<KernelFormat, string>> = {
  float32: 'float-attention.wasm',
  int8: 'int8-attention.wasm',
};

function loadKernel(format: KernelFormat): WebAssembly.Module {
  const file = new URL(`../../kernels/${kernelFiles[format]}`, import.meta.url);
  return new WebAssembly.Module(readFileSync(file));
}
