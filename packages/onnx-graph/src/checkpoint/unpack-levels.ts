import type { Range } from './weight-slice.js';

/** Bits of a level, and where in its word each value of a run lies, counted in levels from the low end. */
export interface Packing {
  readonly bits: number;
  readonly places: readonly number[];
}

const awqPlaces = [0, 4, 1, 5, 2, 6, 3, 7];

/** AWQ packs eight outputs as 0, 2, 4, 6, 1, 3, 5, 7, GPTQ all in order. */
export function packingOf(method: 'awq' | 'gptq', bits: number): Packing {
  const inOrder = Array.from({ length: 32 / bits }, (_, i) => i);
  return { bits, places: method === 'awq' ? awqPlaces : inOrder };
}

/** Columns visited together, so that both sides of a transposition stay in the cache. */
const tileLen = 64;

/** Words [R, W], packed along a row: columns start … end − 1 of the levels, transposed to [end − start, R]. */
export function unpackAlongColumns(
  words: Int32Array,
  numWords: number,
  { start, end }: Range,
  { bits, places }: Packing,
): Uint8Array {
  const perWord = places.length;
  const mask = 2 ** bits - 1;
  const numRows = words.length / numWords;
  const levels = new Uint8Array((end - start) * numRows);
  for (let tile = start; tile < end; tile += tileLen) {
    const tileEnd = Math.min(tile + tileLen, end);
    for (let r = 0; r < numRows; r++) {
      for (let c = tile; c < tileEnd; c++) {
        const word = words[r * numWords + Math.floor(c / perWord)];
        levels[(c - start) * numRows + r] = (word >>> (places[c % perWord] * bits)) & mask;
      }
    }
  }
  return levels;
}

/** Words [R, N], packed along a column: the same of levels [R · 32 / bits, N], so [end − start, R · 32 / bits]. */
export function unpackAlongRows(
  words: Int32Array,
  numCols: number,
  { start, end }: Range,
  { bits, places }: Packing,
): Uint8Array {
  const perWord = places.length;
  const mask = 2 ** bits - 1;
  const numWordRows = words.length / numCols;
  const levels = new Uint8Array((end - start) * numWordRows * perWord);
  for (let tile = start; tile < end; tile += tileLen) {
    const tileEnd = Math.min(tile + tileLen, end);
    for (let r = 0; r < numWordRows; r++) {
      for (let c = tile; c < tileEnd; c++) {
        const word = words[r * numCols + c];
        const at = ((c - start) * numWordRows + r) * perWord;
        for (let i = 0; i < perWord; i++) levels[at + i] = (word >>> (places[i] * bits)) & mask;
      }
    }
  }
  return levels;
}
