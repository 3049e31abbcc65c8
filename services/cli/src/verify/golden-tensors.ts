import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { readExactly, readSafetensorsHeader } from '@tessera/onnx-graph';

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** All tensors of a safetensors file. Throws `checkpoint_truncated` or `checkpoint_invalid`. */
export async function readGoldenTensors(path: string): Promise<Map<string, GoldenTensor>> {
  const file = await open(path);
  try {
    const tensors = new Map<string, GoldenTensor>();
    for (const [name, { shape, offset, numBytes }] of await readSafetensorsHeader(file, basename(path))) {
      tensors.set(name, { shape, bytes: new Uint8Array(await readExactly(file, offset, numBytes)) });
    }
    return tensors;
  } finally {
    await file.close();
  }
}

/** Float32 tensors of a safetensors file, flat. */
export async function readGoldenFloats(path: string): Promise<Map<string, Float32Array>> {
  const tensors = await readGoldenTensors(path);
  return new Map([...tensors].map(([name, { bytes }]) => [name, new Float32Array(bytes.buffer)]));
}
