/** Rows of one sequence in a step, as `PagedAttention` of the engine takes them. */
export interface ContractSpan {
  readonly firstRow: number;
  readonly numRows: number;
  readonly firstPosition: number;
  readonly pages: readonly number[];
}

export interface ContractShape {
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
}

export interface ContractQkv {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
}

/** The part of the engine's `PagedAttention` that its contract suite uses. */
export interface ContractKernel {
  readonly layout: { readonly pageLen: number; readonly numPages: number };
  attend(layer: number, spans: readonly ContractSpan[], qkv: ContractQkv, out: Float32Array): Promise<void>;
  close(): Promise<void>;
}

/** What a kernel must hold for the suite; it chooses its page length, at most 32, itself. */
export const contractCapacity = { numPages: 48, maxRows: 160, maxSpans: 8 } as const;

export type CreateKernel = (shape: ContractShape, capacity: typeof contractCapacity) => Promise<ContractKernel>;
