import type { KvLayout } from '@tessera/domain';
import type { AttentionInputs, AttentionShape, AttentionSpan, PagedAttention } from './paged-attention.js';

/**
 * The plain kernel: a literal reading of the formula in float64, the oracle of the fast ones.
 *
 * Pool of a layer: keys and values, each [numPages, pageLen, numKvHeads, headDim].
 */
export class PlainAttention implements PagedAttention {
  readonly layout: KvLayout;
  readonly #shape: AttentionShape;
  readonly #keys: readonly Float32Array[];
  readonly #values: readonly Float32Array[];

  constructor(shape: AttentionShape, layout: Pick<KvLayout, 'pageLen' | 'numPages'>) {
    this.layout = { ...layout, dtype: 'float32', layersPerMemory: 1 };
    this.#shape = shape;
    const pool = () => new Float32Array(layout.numPages * layout.pageLen * shape.numKvHeads * shape.headDim);
    this.#keys = Array.from({ length: shape.numLayers }, pool);
    this.#values = Array.from({ length: shape.numLayers }, pool);
  }

  async attend(layer: number, spans: readonly AttentionSpan[], qkv: AttentionInputs, out: Float32Array): Promise<void> {
    for (const span of spans) this.#store(layer, span, qkv);
    for (const span of spans) {
      for (let r = 0; r < span.numRows; r++) this.#attendRow(layer, span, r, qkv.q, out);
    }
  }

  async close(): Promise<void> {}

  #store(layer: number, { firstRow, numRows, firstPosition, pages }: AttentionSpan, { k, v }: AttentionInputs): void {
    const rowLen = this.#shape.numKvHeads * this.#shape.headDim;
    for (let r = 0; r < numRows; r++) {
      const source = (firstRow + r) * rowLen;
      const target = this.#slot(pages, firstPosition + r) * rowLen;
      this.#keys[layer].set(k.subarray(source, source + rowLen), target);
      this.#values[layer].set(v.subarray(source, source + rowLen), target);
    }
  }

  #slot(pages: readonly number[], position: number): number {
    const { pageLen } = this.layout;
    return pages[Math.floor(position / pageLen)] * pageLen + (position % pageLen);
  }

  #attendRow(layer: number, span: AttentionSpan, r: number, q: Float32Array, out: Float32Array): void {
    const { numHeads, numKvHeads, headDim } = this.#shape;
    const numPositions = span.firstPosition + r + 1;
    const slots = Array.from({ length: numPositions }, (_, position) => this.#slot(span.pages, position));
    for (let head = 0; head < numHeads; head++) {
      const kvHead = Math.floor(head / (numHeads / numKvHeads));
      const offsets = slots.map((slot) => (slot * numKvHeads + kvHead) * headDim);
      const row = ((span.firstRow + r) * numHeads + head) * headDim;
      const weights = softmax(
        offsets.map((offset) => dot(q, row, this.#keys[layer], offset, headDim) / Math.sqrt(headDim)),
      );
      for (let d = 0; d < headDim; d++) {
        out[row + d] = offsets.reduce((sum, offset, i) => sum + weights[i] * this.#values[layer][offset + d], 0);
      }
    }
  }
}

function dot(a: Float32Array, aOffset: number, b: Float32Array, bOffset: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[aOffset + i] * b[bOffset + i];
  return sum;
}

function softmax(scores: readonly number[]): number[] {
  const max = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const exps = scores.map((score) => Math.exp(score - max));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((e) => e / sum);
}
