/** Rows quantised in blocks along K, as MatMulNBits reads them. */
export interface Int4Blocks {
  /** [rows, blocks, blockLen / 2]: value 2i in the low half of byte i, 2i + 1 in the high half; 8 stands for zero. */
  readonly values: Uint8Array;
  /** [rows, blocks]. */
  readonly scales: Float32Array;
}

/**
 * Rounds each block to q − 8 with q in 0 … 15: value ≈ (q − 8) · scale. The value of largest magnitude gets −8, so that
 * all sixteen steps are used whatever its sign. A last block that is not full is filled with zeros.
 */
export function quantizeInt4(rows: Float32Array, rowLen: number, blockLen: number): Int4Blocks {
  const numBlocks = Math.ceil(rowLen / blockLen);
  const numRows = rows.length / rowLen;
  const values = new Uint8Array((numRows * numBlocks * blockLen) / 2).fill(0x88);
  const scales = new Float32Array(numRows * numBlocks);
  for (let block = 0; block < numRows * numBlocks; block++) {
    const row = Math.floor(block / numBlocks);
    const start = row * rowLen + (block % numBlocks) * blockLen;
    const end = Math.min(start + blockLen, (row + 1) * rowLen);
    scales[block] = quantizeBlock(rows, start, end, values, (block * blockLen) / 2);
  }
  return { values, scales };
}

function quantizeBlock(rows: Float32Array, start: number, end: number, values: Uint8Array, offset: number): number {
  let min = 0;
  let max = 0;
  for (let i = start; i < end; i++) {
    if (rows[i] < min) min = rows[i];
    if (rows[i] > max) max = rows[i];
  }
  const scale = Math.fround((-min > max ? min : max) / -8) || 1;
  const inverse = 1 / scale;
  for (let i = start; i < end; i += 2) {
    const low = toNibble(rows[i] * inverse);
    const high = i + 1 < end ? toNibble(rows[i + 1] * inverse) : 8;
    values[offset + ((i - start) >> 1)] = low | (high << 4);
  }
  return scale;
}

/** −8 … 7 as 0 … 15, rounded to the nearest; +8, the far end, becomes 15. */
function toNibble(steps: number): number {
  const q = (steps + 8.5) | 0;
  return q > 15 ? 15 : q;
}
