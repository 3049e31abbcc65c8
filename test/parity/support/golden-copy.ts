import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { locateTensor } from './locate-tensor.js';
import { createTemporaryFolder } from './temporary-folder.js';
import { goldensDir } from './verify-goldens.js';

/** A folder of reference data that may be spoilt. */
export interface GoldenCopy {
  readonly dir: string;
  path(name: string): string;
  // biome-ignore lint/suspicious/noExplicitAny: reference data of any shape is edited
  editJson(name: string, edit: (value: any) => void): void;
  /** Edits the floats of a tensor in place. */
  editTensor(file: string, tensor: string, edit: (values: Float32Array) => void): void;
  remove(): void;
}

/** Copies the named files and folders of the reference data; media are always there. */
export function copyGoldens(names: readonly string[]): GoldenCopy {
  const folder = createTemporaryFolder();
  const path = (name: string): string => join(folder.path, name);
  symlinkSync(join(goldensDir, 'media'), path('media'));
  for (const name of names) {
    mkdirSync(join(path(name), '..'), { recursive: true });
    cpSync(join(goldensDir, name), path(name), { recursive: true });
  }
  return {
    dir: folder.path,
    path,
    editJson(name, edit) {
      const value = JSON.parse(readFileSync(path(name), 'utf8'));
      edit(value);
      writeFileSync(path(name), JSON.stringify(value));
    },
    editTensor(file, tensor, edit) {
      const bytes = readFileSync(path(file));
      const { offset, numBytes } = locateTensor(bytes, tensor);
      const values = new Float32Array(
        bytes.buffer.slice(bytes.byteOffset + offset, bytes.byteOffset + offset + numBytes),
      );
      edit(values);
      bytes.set(new Uint8Array(values.buffer), offset);
      writeFileSync(path(file), bytes);
    },
    remove: () => folder.remove(),
  };
}
