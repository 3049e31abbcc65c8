import type { KvLayout } from '@tessera/domain';

/** What the compiled kernels export (AssemblyScript sources in `kernels/`). */
export interface AttentionKernel {
  storeRow(job: number, keyRow: number, valueRow: number, page: number, slot: number): void;
  work(job: number, scratch: number, generation: number): void;
}

/** How keys and values are kept. */
export type KernelFormat = KvLayout['dtype'];

/** Bytes of a page of one KV head, keys or values; int8 has a float32 scale per position beside them. */
export function pageBytes(format: KernelFormat, headDim: number, pageLen: number): number {
  return format === 'float32' ? headDim * pageLen * 4 : headDim * pageLen + pageLen * 4;
}

/** A kernel working in `memory`. */
export function instantiateKernel(module: WebAssembly.Module, memory: WebAssembly.Memory): AttentionKernel {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as AttentionKernel;
}
