import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MetadataFile } from '@tessera/onnx-graph';

/** A small file of the checkpoint, parsed as JSON (a `.jinja` as text), from its copy in the engine; undefined if absent. */
export async function readEngineMetadata(engineDir: string, name: MetadataFile): Promise<unknown> {
  const text = await readFile(join(engineDir, 'checkpoint', name), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined || name.endsWith('.jinja')) return text;
  return JSON.parse(text);
}
