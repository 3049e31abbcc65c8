import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bytesPerElement,
  type EmbeddingManifest,
  type EngineManifest,
  readExactly,
  widenToFloat32,
} from '@tessera/onnx-graph';

/** The embedding table, read row by row from the engine directory; the page cache holds what is used. */
export class EmbeddingTable {
  readonly #file: FileHandle;
  readonly #manifest: EmbeddingManifest;

  private constructor(file: FileHandle, manifest: EmbeddingManifest) {
    this.#file = file;
    this.#manifest = manifest;
  }

  static async open(engineDir: string, { embedding }: EngineManifest): Promise<EmbeddingTable> {
    return new EmbeddingTable(await open(join(engineDir, embedding.file)), embedding);
  }

  /** Row `tokenId` as float32 [rowLen]. */
  async row(tokenId: number): Promise<Float32Array> {
    const { dtype, rowLen } = this.#manifest;
    const rowBytes = rowLen * bytesPerElement[dtype];
    return widenToFloat32(await readExactly(this.#file, tokenId * rowBytes, rowBytes), dtype);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
