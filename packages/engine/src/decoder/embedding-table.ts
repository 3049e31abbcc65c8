import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { ServingError } from '@tessera/domain';
import { bytesPerElement, type EmbeddingManifest, type EngineManifest, widenToFloat32 } from '@tessera/onnx-graph';

/**
 * The embedding table, read row by row from the engine directory; the page cache holds what is used. Reads block: a
 * row takes microseconds, a promise for each would take longer, and nobody else uses the engine's thread.
 */
export class EmbeddingTable {
  readonly #fd: number;
  readonly #manifest: EmbeddingManifest;
  readonly #bytes: Uint8Array;

  /** Throws `engine_invalid`. */
  constructor(engineDir: string, { embedding }: EngineManifest) {
    this.#fd = openTable(engineDir, embedding.file);
    this.#manifest = embedding;
    this.#bytes = new Uint8Array(embedding.rowLen * bytesPerElement[embedding.dtype]);
  }

  /** Row `tokenId` as float32 [rowLen], valid until the next call. */
  row(tokenId: number): Float32Array {
    const { length } = this.#bytes;
    const numRead = readSync(this.#fd, this.#bytes, 0, length, tokenId * length);
    if (numRead !== length) {
      throw new ServingError('engine_invalid', `Row ${tokenId} of the embedding table cannot be read.`, { tokenId });
    }
    return widenToFloat32(this.#bytes, this.#manifest.dtype);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function openTable(engineDir: string, file: string): number {
  try {
    return openSync(join(engineDir, file), 'r');
  } catch (cause) {
    const { message } = cause as Error;
    throw new ServingError('engine_invalid', `The embedding table cannot be read: ${message}`, { file }, { cause });
  }
}
