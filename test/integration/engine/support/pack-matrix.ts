import { halfBits, type PublishedLayout, type RoundedMatrix } from './published-layout.js';
import type { RawTensor } from './write-safetensors.js';

/** The output that lies at each place of a word, from the low end up. */
const awqOrder = [0, 2, 4, 6, 1, 3, 5, 7];

/** The tensors of one linear layer, by what follows its name. */
export function packMatrix(matrix: RoundedMatrix, layout: PublishedLayout): Record<string, RawTensor> {
  const { levels, scales, zeroPoints, groupOf } = matrix;
  const [numRows, numCols, numGroups] = [levels.length, groupOf.length, scales[0].length];
  const { method, bits, format } = layout;
  const perWord = 32 / bits;
  const order = method === 'awq' ? awqOrder : Array.from({ length: perWord }, (_, i) => i);
  const offset = method === 'gptq' && format !== 'gptq_v2' ? 1 : 0;
  const storedZero = (g: number, n: number): number => (zeroPoints[n][g] - offset) & (2 ** bits - 1);
  const alongRows = (width: number, levelAt: (row: number, n: number) => number) =>
    words([width, numRows / perWord], bits, (row, word, i) => levelAt(row, word * perWord + order[i]));
  const qweight =
    method === 'awq'
      ? alongRows(numCols, (k, n) => levels[n][k])
      : words([numCols / perWord, numRows], bits, (word, n, i) => levels[n][word * perWord + i]);
  const tensors = {
    qweight,
    qzeros: alongRows(numGroups, storedZero),
    scales: halves([numGroups, numRows], (g, n) => scales[n][g]),
  };
  if (method === 'awq') return tensors;
  return { ...tensors, g_idx: { dtype: 'I32', shape: [numCols], bytes: new Uint8Array(groupOf.buffer) } };
}

/** Words [r, c], each with `valueAt(r, c, i)` as its i-th value from the low end. */
function words(
  shape: readonly [number, number],
  bits: number,
  valueAt: (r: number, c: number, i: number) => number,
): RawTensor {
  const data = Uint32Array.from({ length: shape[0] * shape[1] }, (_, at) => {
    const [r, c] = [Math.floor(at / shape[1]), at % shape[1]];
    let word = 0;
    for (let i = 0; i < 32 / bits; i++) word += valueAt(r, c, i) * 2 ** (bits * i);
    return word;
  });
  return { dtype: 'I32', shape, bytes: new Uint8Array(data.buffer) };
}

function halves(shape: readonly [number, number], valueAt: (r: number, c: number) => number): RawTensor {
  const data = Uint16Array.from({ length: shape[0] * shape[1] }, (_, at) =>
    halfBits(valueAt(Math.floor(at / shape[1]), at % shape[1])),
  );
  return { dtype: 'F16', shape, bytes: new Uint8Array(data.buffer) };
}
