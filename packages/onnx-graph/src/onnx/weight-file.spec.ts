import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { WeightFileWriter, writeWeightFile } from './weight-file.js';

describe('WeightFileWriter', () => {
  it('begins every weight on a 64-byte boundary and fills between with zeros', async () => {
    const path = join(await temporaryFolder(), 'weights.bin');
    const writer = await WeightFileWriter.create(path);
    const locations = [
      await writer.append([Uint8Array.of(1, 2, 3)]),
      await writer.append([new Uint8Array(64).fill(4)]),
      await writer.append([Uint8Array.of(5)]),
    ];
    await writer.close();
    expect(locations).toEqual([
      { offset: 0, numBytes: 3 },
      { offset: 64, numBytes: 64 },
      { offset: 128, numBytes: 1 },
    ]);
    const expected = [1, 2, 3, ...Array(61).fill(0), ...Array(64).fill(4), 5];
    expect([...(await readFile(path))]).toEqual(expected);
  });

  it('writes the blocks of a weight one after the other, whatever they are views of', async () => {
    const path = join(await temporaryFolder(), 'weights.bin');
    const writer = await WeightFileWriter.create(path);
    const all = Float32Array.of(0, 1, 2, 3);
    async function* blocks() {
      yield all.subarray(1, 2);
      yield all.subarray(2, 4);
    }
    expect(await writer.append(blocks())).toEqual({ offset: 0, numBytes: 12 });
    await writer.close();
    expect(await readFile(path)).toEqual(Buffer.from(Float32Array.of(1, 2, 3).buffer));
  });

  it('knows digest and size of what it wrote', async () => {
    const path = join(await temporaryFolder(), 'weights.bin');
    const writer = await WeightFileWriter.create(path);
    await writer.append([Uint8Array.of(1)]);
    await writer.append([Uint8Array.of(2)]);
    const content = createHash('sha256');
    const written = await writer.close();
    content.update(await readFile(path));
    expect(written).toEqual({ numBytes: 65, sha256: content.digest('hex') });
  });

  it('never writes over a file', async () => {
    const path = join(await temporaryFolder(), 'weights.bin');
    await (await WeightFileWriter.create(path)).close();
    await expect(WeightFileWriter.create(path)).rejects.toMatchObject({ code: 'EEXIST' });
  });
});

describe('writeWeightFile', () => {
  it('returns digest and size once the file is filled', async () => {
    const path = join(await temporaryFolder(), 'weights.bin');
    const { numBytes } = await writeWeightFile(path, async (writer) => {
      await writer.append([Uint8Array.of(1, 2)]);
    });
    expect(numBytes).toBe(2);
    expect([...(await readFile(path))]).toEqual([1, 2]);
  });

  it('closes the file and passes the error on when a source fails, between weights too', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1);
      throw new Error('truncated');
    }
    const sources: ((writer: WeightFileWriter) => Promise<unknown>)[] = [
      (writer) => writer.append(failing()),
      async (writer) => {
        await writer.append([Uint8Array.of(1)]);
        throw new Error('truncated');
      },
    ];
    for (const [i, source] of sources.entries()) {
      let seen: WeightFileWriter | undefined;
      const written = writeWeightFile(join(await temporaryFolder(), `${i}.bin`), async (writer) => {
        seen = writer;
        await source(writer);
      });
      await expect(written).rejects.toThrow('truncated');
      await expect(seen?.append([Uint8Array.of(1)])).rejects.toMatchObject({ code: 'EBADF' });
    }
  });
});
