import type { FileHandle } from 'node:fs/promises';
import { ServingError } from '@tessera/domain';
import { assertFloatDtype, bytesPerElement, type FloatDtype } from './float-formats.js';
import { readExactly, type TensorLocation } from './safetensors-header.js';

/** A tensor of some element type and the open file that it lies in, under the name that the file has for it. */
export interface LocatedTensor extends TensorLocation {
  readonly storedName: string;
  readonly file: FileHandle;
}

/** One whose elements are floats. */
export interface StoredTensor extends LocatedTensor {
  readonly dtype: FloatDtype;
}

/** The same tensor, known to hold floats; throws `tensor_dtype` or `checkpoint_invalid`. */
export function floatTensor(tensor: LocatedTensor): StoredTensor {
  const { dtype, storedName } = tensor;
  assertFloatDtype(dtype, storedName);
  assertNumBytes(tensor, bytesPerElement[dtype]);
  return { ...tensor, dtype };
}

/** Throws `checkpoint_invalid` unless shape and element size give the tensor's bytes. */
export function assertNumBytes({ shape, dtype, numBytes, storedName }: LocatedTensor, elementBytes: number): void {
  const expectedBytes = shape.reduce((product, n) => product * n, elementBytes);
  if (expectedBytes === numBytes) return;
  throw new ServingError(
    'checkpoint_invalid',
    `Tensor ${storedName} of shape [${shape.join(', ')}] and dtype ${dtype} needs ${expectedBytes} bytes and has ${numBytes}.`,
    { tensor: storedName },
  );
}

export function readWhole({ file, offset, numBytes }: LocatedTensor): Promise<Buffer> {
  return readExactly(file, offset, numBytes);
}
