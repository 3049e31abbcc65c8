import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { encodeHeader, encodeSafetensors, zeroTensor } from '../testing/tiny-checkpoint.js';
import { readExactly, readSafetensorsHeader } from './safetensors-header.js';

async function openFile(content: Uint8Array): Promise<FileHandle> {
  const path = join(await temporaryFolder(), 'a.safetensors');
  await writeFile(path, content);
  const file = await open(path);
  onTestFinished(() => file.close());
  return file;
}

const entry = (fields: object): string => JSON.stringify({ w: { dtype: 'F32', shape: [1], ...fields } });

describe('readSafetensorsHeader', () => {
  it('locates every tensor from the beginning of the file and leaves out the metadata', async () => {
    const json = JSON.stringify({
      __metadata__: { format: 'pt' },
      a: { dtype: 'BF16', shape: [2, 3], data_offsets: [0, 12] },
      b: { dtype: 'I8', shape: [], data_offsets: [12, 13] },
    });
    const file = await openFile(Buffer.concat([encodeHeader(json), Buffer.alloc(13)]));
    const start = 8 + json.length;
    expect([...(await readSafetensorsHeader(file, 'a.safetensors'))]).toEqual([
      ['a', { dtype: 'BF16', shape: [2, 3], offset: start, numBytes: 12 }],
      ['b', { dtype: 'I8', shape: [], offset: start + 12, numBytes: 1 }],
    ]);
  });

  it('reads a file of very many tensors', async () => {
    const numTensors = 130_000;
    const entries = Array.from({ length: numTensors }, (_, i) => `"${i}":{"dtype":"","shape":[],"data_offsets":[0,0]}`);
    const file = await openFile(encodeHeader(`{${entries.join()}}`));
    expect((await readSafetensorsHeader(file, 'a.safetensors')).size).toBe(numTensors);
  });

  const whole = encodeSafetensors(new Map([['w', zeroTensor([4])]]));
  const truncations: Readonly<Record<string, Uint8Array>> = {
    'an empty file': new Uint8Array(0),
    'a file without the whole length': whole.subarray(0, 7),
    'a file that ends in its header': whole.subarray(0, 20),
    'a file that ends one byte early': whole.subarray(0, whole.length - 1),
  };
  for (const [what, content] of Object.entries(truncations)) {
    it(`names ${what} truncated`, async () => {
      const file = await openFile(content);
      await expect(readSafetensorsHeader(file, 'a.safetensors')).rejects.toMatchObject({
        reason: 'checkpoint_truncated',
        message: expect.stringContaining(`a.safetensors is truncated: it has ${content.length} bytes`),
      });
    });
  }

  const malformed: Readonly<Record<string, Buffer>> = {
    'a header longer than the limit': encodeHeader('{}', 100_000_001),
    'a header that is no JSON': encodeHeader('{"w":'),
    'a header that is null': encodeHeader('null'),
    'a header that is a list': encodeHeader('[]'),
    'a tensor that is null': encodeHeader('{"w":null}'),
    'a tensor without a range': encodeHeader(entry({})),
    'a range of three numbers': encodeHeader(entry({ data_offsets: [0, 0, 0] })),
    'a range that ends before it starts': encodeHeader(entry({ data_offsets: [4, 0] })),
    'a negative offset': encodeHeader(entry({ data_offsets: [-4, 0] })),
    'a fractional dimension': encodeHeader(entry({ shape: [0.5], data_offsets: [0, 4] })),
    'a dtype that is a number': encodeHeader(entry({ dtype: 32, data_offsets: [0, 4] })),
  };
  for (const [what, content] of Object.entries(malformed)) {
    it(`refuses ${what}`, async () => {
      const file = await openFile(content);
      await expect(readSafetensorsHeader(file, 'a.safetensors')).rejects.toMatchObject({
        reason: 'checkpoint_invalid',
        message: expect.stringContaining('a.safetensors'),
      });
    });
  }
});

describe('readExactly', () => {
  it('reads a part of the file', async () => {
    const file = await openFile(Buffer.from('0123456789'));
    expect((await readExactly(file, 3, 4)).toString()).toBe('3456');
  });

  it('refuses to return less than asked for', async () => {
    const file = await openFile(Buffer.from('0123456789'));
    await expect(readExactly(file, 8, 3)).rejects.toMatchObject({ reason: 'checkpoint_truncated' });
  });
});
