import type { ContractQkv, ContractShape } from './contract-kernel.js';

/** Causal grouped-query attention of one sequence in float64, straight from the formula: softmax(q · kᵀ / √d) · v. */
export function naiveAttention({ q, k, v }: ContractQkv, shape: ContractShape): Float64Array {
  const { numHeads, numKvHeads, headDim } = shape;
  const numRows = q.length / (numHeads * headDim);
  const out = new Float64Array(q.length);
  for (let row = 0; row < numRows; row++) {
    for (let head = 0; head < numHeads; head++) {
      const query = (row * numHeads + head) * headDim;
      const keyOf = (position: number) =>
        (position * numKvHeads + Math.floor((head * numKvHeads) / numHeads)) * headDim;
      const scores = Array.from({ length: row + 1 }, (_, position) => {
        let dot = 0;
        for (let d = 0; d < headDim; d++) dot += q[query + d] * k[keyOf(position) + d];
        return dot / Math.sqrt(headDim);
      });
      const max = Math.max(...scores);
      const total = scores.reduce((sum, score) => sum + Math.exp(score - max), 0);
      for (const [position, score] of scores.entries()) {
        const weight = Math.exp(score - max) / total;
        for (let d = 0; d < headDim; d++) out[query + d] += weight * v[keyOf(position) + d];
      }
    }
  }
  return out;
}
