/** What the compiled kernels export (AssemblyScript sources in `kernels/`). */
export interface AttentionKernel {
  storeRow(job: number, keyRow: number, valueRow: number, page: number, slot: number): void;
  work(job: number, scratch: number, generation: number): void;
}

/** Byte size of a page of one KV head, keys or values. */
export type KernelFormat = 'float32';

export function pageBytes(format: KernelFormat, headDim: number, pageLen: number): number {
  return { float32: headDim * pageLen * 4 }[format];
}

/** A kernel working in `memory`. */
export function instantiateKernel(module: WebAssembly.Module, memory: WebAssembly.Memory): AttentionKernel {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as AttentionKernel;
}
