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
  let extreme = 0;
  for (let i = start; i < end; i++) if (Math.abs(rows[i]) > Math.abs(extreme)) extreme = rows[i];
  const scale = Math.fround(extreme / -8) || 1;
  for (let i = start; i < end; i++) {
    const q = Math.min(15, Math.max(0, Math.round(rows[i] / scale) + 8));
    const at = offset + ((i - start) >> 1);
    values[at] = (i - start) % 2 === 0 ? (values[at] & 0xf0) | q : (values[at] & 0x0f) | (q << 4);
  }
  return scale;
}
