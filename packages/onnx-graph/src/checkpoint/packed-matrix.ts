import { ServingError } from '@tessera/domain';
import type { QuantizationConfig } from '@tessera/qwen2-5-vl';
import { assertNumBytes, floatTensor, type LocatedTensor, readWhole, type StoredTensor } from './stored-tensor.js';

/**
 * A quantised matrix W [N, K] as published, K inputs by N outputs:
 *
 *     AWQ   qweight int32 [K, N · bits / 32]   along N, values 0, 2, 4, 6, 1, 3, 5, 7 of eight from the low end up
 *     GPTQ  qweight int32 [K · bits / 32, N]   along K, from the low end up
 *     both  qzeros  int32 [G, N · bits / 32]   along N, in the order of the method
 *           scales  float [G, N]
 *     GPTQ  g_idx   int32 [K]                  group of each input; absent: G groups in order
 */
export interface PackedMatrix {
  readonly quantization: QuantizationConfig;
  readonly numRows: number;
  readonly numCols: number;
  readonly numGroups: number;
  readonly qweight: LocatedTensor;
  /** Absent when zero points are half the range. */
  readonly qzeros: LocatedTensor | undefined;
  readonly scales: StoredTensor;
  /** Group of each column. */
  readonly groupOf: Int32Array;
  /** Groups are runs of `groupLen` columns; otherwise columns were sorted by their activations. */
  readonly isInOrder: boolean;
}

type Part = 'qweight' | 'qzeros' | 'scales' | 'g_idx';

/** The tensors of one packed matrix by what they are. */
export type PackedParts = Readonly<Partial<Record<Part, LocatedTensor>>>;

/**
 * Puts the tensors of the linear layer `name` together. Throws `tensor_missing`, `tensor_misshaped`, `tensor_dtype` or
 * `checkpoint_invalid`, which name the tensor.
 */
export async function describePackedMatrix(
  name: string,
  parts: PackedParts,
  quantization: QuantizationConfig,
): Promise<PackedMatrix> {
  const { method, bits, isSymmetric } = quantization;
  const perWord = 32 / bits;
  const qweight = wordTensor(name, parts, 'qweight');
  const [first, second] = qweight.shape;
  const [numCols, numRows] = method === 'awq' ? [first, second * perWord] : [first * perWord, second];
  const groupLen = quantization.groupLen ?? numCols;
  const numGroups = Math.ceil(numCols / groupLen);
  const qzeros = isSymmetric ? undefined : wordTensor(name, parts, 'qzeros');
  if (qzeros) assertShape(qzeros, [numGroups, numRows / perWord]);
  const scales = floatTensor(partOf(name, parts, 'scales'));
  assertShape(scales, [numGroups, numRows]);
  const groups = await groupsOf(parts.g_idx, { numCols, groupLen, numGroups });
  return { quantization, numRows, numCols, numGroups, qweight, qzeros, scales, ...groups };
}

interface Grouping {
  readonly numCols: number;
  readonly groupLen: number;
  readonly numGroups: number;
}

async function groupsOf(
  index: LocatedTensor | undefined,
  { numCols, groupLen, numGroups }: Grouping,
): Promise<Pick<PackedMatrix, 'groupOf' | 'isInOrder'>> {
  const inOrder = Int32Array.from({ length: numCols }, (_, column) => Math.floor(column / groupLen));
  if (!index) return { groupOf: inOrder, isInOrder: true };
  assertWords(index);
  assertShape(index, [numCols]);
  const groupOf = toWords(await readWhole(index));
  if (groupOf.some((group) => group < 0 || group >= numGroups)) {
    throw new ServingError(
      'checkpoint_invalid',
      `${index.storedName} names a group beyond the ${numGroups} there are.`,
      {
        tensor: index.storedName,
      },
    );
  }
  return { groupOf, isInOrder: groupOf.every((group, column) => group === inOrder[column]) };
}

/** Little-endian 32-bit words; `bytes` may lie at any alignment. */
export function toWords(bytes: Uint8Array): Int32Array {
  return new Int32Array(new Uint8Array(bytes).buffer);
}

function wordTensor(name: string, parts: PackedParts, part: Part): LocatedTensor {
  const tensor = partOf(name, parts, part);
  assertWords(tensor);
  if (tensor.shape.length !== 2) throw misshaped(tensor, 'two axes');
  return tensor;
}

function partOf(name: string, parts: PackedParts, part: Part): LocatedTensor {
  const tensor = parts[part];
  if (tensor) return tensor;
  throw new ServingError('tensor_missing', `The checkpoint lacks ${name}.${part}.`, { tensor: `${name}.${part}` });
}

function assertWords(tensor: LocatedTensor): void {
  const { dtype, storedName } = tensor;
  if (dtype !== 'I32') {
    throw new ServingError('tensor_dtype', `Tensor ${storedName} has dtype ${dtype}; packed ones are I32.`, {
      tensor: storedName,
      dtype,
    });
  }
  assertNumBytes(tensor, 4);
}

function assertShape(tensor: LocatedTensor, expected: readonly number[]): void {
  if (tensor.shape.join() !== expected.join()) throw misshaped(tensor, `[${expected.join(', ')}]`);
}

function misshaped({ shape, storedName }: LocatedTensor, expected: string): ServingError {
  return new ServingError(
    'tensor_misshaped',
    `Quantisation and shapes contradict: ${storedName} is [${shape.join(', ')}] instead of ${expected}.`,
    { tensor: storedName },
  );
}
