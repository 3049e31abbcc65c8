import { invalidField } from './invalid-field.js';

/**
 * The numbers as the wire has them, a view of their memory. No copy turns them little-endian: every platform that ONNX
 * Runtime is built for is.
 */
export function bytesOf(values: Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** The numbers of an int32 field, a copy: the bytes lie anywhere in a received message, which it would keep alive. */
export function int32Of(bytes: Uint8Array, field: string): Int32Array {
  return new Int32Array(copyOfWhole(bytes, field).buffer);
}

/** The numbers of a float32 field, a copy. */
export function float32Of(bytes: Uint8Array, field: string): Float32Array {
  return new Float32Array(copyOfWhole(bytes, field).buffer);
}

function copyOfWhole(bytes: Uint8Array, field: string): Uint8Array<ArrayBuffer> {
  if (bytes.length % 4 !== 0) throw invalidField(field, 'whole numbers of 4 bytes', `${bytes.length} bytes`);
  return new Uint8Array(bytes);
}
