import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServingError } from '@tessera/domain';

/**
 * Rows of floats on the disk of the system's temporary folder: written once, then read in the same order as often as
 * wanted. The file has no name, so that its space is free again when it is closed or the process ends in any way.
 */
export class RowFile {
  readonly #file: number;
  #numBytes = 0;

  constructor() {
    const dir = mkdtempSync(join(tmpdir(), 'tessera-rows-'));
    this.#file = openSync(join(dir, 'rows.bin'), 'w+');
    rmSync(dir, { recursive: true });
  }

  append(row: Float32Array): void {
    const bytes = new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
    for (let done = 0; done < bytes.byteLength; ) {
      done += writeSync(this.#file, bytes, done, bytes.byteLength - done, this.#numBytes + done);
    }
    this.#numBytes += bytes.byteLength;
  }

  /** A reader at the first row; it gives the next row of the given length, or throws where there is none. */
  reader(): (length: number) => Float32Array {
    let offset = 0;
    return (length) => {
      const row = new Float32Array(length);
      const bytes = new Uint8Array(row.buffer);
      if (offset + bytes.byteLength > this.#numBytes) {
        throw new ServingError('internal', `A row of ${length} floats was asked for after the last of the rows kept.`);
      }
      for (let done = 0; done < bytes.byteLength; ) {
        done += readSync(this.#file, bytes, done, bytes.byteLength - done, offset + done);
      }
      offset += bytes.byteLength;
      return row;
    };
  }

  close(): void {
    closeSync(this.#file);
  }
}
