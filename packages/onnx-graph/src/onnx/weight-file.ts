import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { diskError } from './disk-error.js';

/** Where a weight lies in its file. */
export interface WeightLocation {
  readonly offset: number;
  readonly numBytes: number;
}

/** Digest and size of a file that was written. */
export interface WrittenFile {
  readonly numBytes: number;
  readonly sha256: string;
}

/** Weights begin on cache-line boundaries, so that a memory-mapped file can be used in place. */
const alignmentBytes = 64;

/** Creates a file and lets `fill` append its weights; closes it, whether or not that succeeds. */
export async function writeWeightFile(
  path: string,
  fill: (writer: WeightFileWriter) => Promise<void>,
): Promise<WrittenFile> {
  const writer = await WeightFileWriter.create(path);
  try {
    await fill(writer);
  } catch (error) {
    await writer.close();
    throw error;
  }
  return writer.close();
}

/** Appends weights to one external-data file, hashing as it goes. */
export class WeightFileWriter {
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash('sha256');
  #numBytes = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<WeightFileWriter> {
    return new WeightFileWriter(await open(path, 'wx'));
  }

  /** Appends the blocks as one weight; throws `disk_full`, and what reading them throws. */
  async append(blocks: AsyncIterable<ArrayBufferView> | Iterable<ArrayBufferView>): Promise<WeightLocation> {
    await this.#write(new Uint8Array((alignmentBytes - (this.#numBytes % alignmentBytes)) % alignmentBytes));
    const offset = this.#numBytes;
    for await (const block of blocks) {
      await this.#write(new Uint8Array(block.buffer, block.byteOffset, block.byteLength));
    }
    return { offset, numBytes: this.#numBytes - offset };
  }

  async close(): Promise<WrittenFile> {
    await this.#file.close();
    return { numBytes: this.#numBytes, sha256: this.#hash.digest('hex') };
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.byteLength; ) {
        done += (await this.#file.write(bytes, done, bytes.byteLength - done)).bytesWritten;
      }
    } catch (error) {
      throw diskError(error);
    }
    this.#hash.update(bytes);
    this.#numBytes += bytes.byteLength;
  }
}
