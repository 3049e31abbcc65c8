import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensorsHeader } from '@tessera/onnx-graph';

/** One safetensors file of a checkpoint. */
export interface Shard {
  readonly file: string;
  readonly numBytes: number;
  readonly numTensors: number;
}

/** The safetensors files of a folder in the order of their names; reads their headers only. */
export async function listShards(dir: string): Promise<Shard[]> {
  const names = (await readdir(dir)).filter((name) => name.endsWith('.safetensors')).sort();
  const shards: Shard[] = [];
  for (const file of names) shards.push(await describeShard(dir, file));
  return shards;
}

async function describeShard(dir: string, file: string): Promise<Shard> {
  const handle = await open(join(dir, file));
  try {
    const { size: numBytes } = await handle.stat();
    const { size: numTensors } = await readSafetensorsHeader(handle, file);
    return { file, numBytes, numTensors };
  } finally {
    await handle.close();
  }
}
