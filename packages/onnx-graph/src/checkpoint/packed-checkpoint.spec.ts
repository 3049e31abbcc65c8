import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import {
  type RawTensor,
  tinyRawConfig,
  tinyTensors,
  writeConfig,
  writeTinyCheckpoint,
} from '../testing/tiny-checkpoint.js';
import { Checkpoint } from './checkpoint.js';

const layer = 'model.layers.0.mlp.up_proj';
const weight = `${layer}.weight`;
/** Of the tiny model's matrix [N, K], with two groups. */
const [n, k, groupLen] = [40, 16, 8];

const words = (shape: readonly number[], valueAt: (i: number) => number): RawTensor => {
  const data = Int32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => valueAt(i));
  return { dtype: 'I32', shape, bytes: new Uint8Array(data.buffer) };
};

const floats = (shape: readonly number[], valueAt: (i: number) => number): RawTensor => {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => valueAt(i));
  return { dtype: 'F32', shape, bytes: new Uint8Array(data.buffer) };
};

/** GPTQ: all levels are 3 in the first eight columns and 5 in the others; scales are 2 in one group and 10 in the other. */
function gptqParts(): Record<string, RawTensor> {
  return {
    qweight: words([k / 8, n], (i) => (i < n ? 0x33333333 : 0x55555555)),
    qzeros: words([2, n / 8], () => 0),
    scales: floats([2, n], (i) => (i < n ? 2 : 10)),
    g_idx: words([k], (i) => Math.floor(i / groupLen)),
  };
}

const gptq = { quant_method: 'gptq', bits: 4, group_size: groupLen, sym: false };

interface Folder {
  readonly parts?: Record<string, RawTensor>;
  readonly others?: Record<string, RawTensor>;
  readonly quantization?: object;
  /** Where the quantisation is stated. Default config.json. */
  readonly statedIn?: 'config.json' | 'quantize_config.json';
}

async function openPacked(folder: Folder = {}): Promise<Checkpoint> {
  const { parts = gptqParts(), others = {}, quantization = gptq, statedIn = 'config.json' } = folder;
  const dir = await temporaryFolder();
  const tensors = tinyTensors();
  tensors.delete(weight);
  for (const [part, tensor] of Object.entries(parts)) tensors.set(`${layer}.${part}`, tensor);
  for (const [name, tensor] of Object.entries(others)) tensors.set(name, tensor);
  await writeTinyCheckpoint(dir, tensors);
  if (statedIn === 'config.json') await writeConfig(dir, { ...tinyRawConfig, quantization_config: quantization });
  else await writeFile(join(dir, statedIn), JSON.stringify(quantization));
  const checkpoint = await Checkpoint.open(dir);
  onTestFinished(() => checkpoint.close());
  return checkpoint;
}

const firstRow = async (checkpoint: Checkpoint): Promise<number[]> => [...(await checkpoint.readRows(weight, 0, 1))];

describe('a checkpoint with packed matrices', () => {
  it('shows a matrix under the name and the shape of the weight that it stands for', async () => {
    const { shapes, packed } = await openPacked();
    expect(shapes.get(weight)).toEqual([n, k]);
    expect([...packed.keys()]).toEqual([weight]);
    expect([...shapes.keys()].filter((name) => name.startsWith(layer))).toEqual([weight]);
  });

  it('dequantises rows, with the zero points of the first GPTQ format one more than stored', async () => {
    const row = [...new Array(8).fill((3 - 1) * 2), ...new Array(8).fill((5 - 1) * 10)];
    expect(await firstRow(await openPacked())).toEqual(row);
  });

  it('takes those of the second format as they are', async () => {
    const quantization = { ...gptq, checkpoint_format: 'gptq_v2' };
    expect((await firstRow(await openPacked({ quantization }))).slice(7, 9)).toEqual([3 * 2, 5 * 10]);
  });

  it('takes a stored 15 of the first format for a zero point of 0', async () => {
    const parts = { ...gptqParts(), qzeros: words([2, n / 8], () => -1) };
    expect((await firstRow(await openPacked({ parts }))).slice(7, 9)).toEqual([3 * 2, 5 * 10]);
  });

  it('knows symmetric zero points without reading them', async () => {
    const { qzeros, ...parts } = gptqParts();
    const quantization = { ...gptq, sym: true };
    expect((await firstRow(await openPacked({ parts, quantization }))).slice(7, 9)).toEqual([-5 * 2, -3 * 10]);
  });

  it('follows the group of each column', async () => {
    const parts = { ...gptqParts(), g_idx: words([k], (i) => (i + 1) % 2) };
    const checkpoint = await openPacked({ parts });
    expect(checkpoint.packed.get(weight)?.isInOrder).toBe(false);
    expect((await firstRow(checkpoint)).slice(6, 10)).toEqual([2 * 10, 2 * 2, 4 * 10, 4 * 2]);
  });

  it('reads AWQ, which packs along the outputs', async () => {
    const parts = {
      qweight: words([k, n / 8], (i) => (i < 5 ? 0x70 : 0)),
      qzeros: words([2, n / 8], () => 0),
      scales: floats([2, n], () => 1),
    };
    const quantization = { quant_method: 'awq', bits: 4, group_size: groupLen, version: 'gemm' };
    const rows = await (await openPacked({ parts, quantization })).readRows(weight, 0, n);
    const ofFirstColumn = Array.from({ length: 8 }, (_, row) => rows[row * k]);
    expect(ofFirstColumn).toEqual([0, 0, 7, 0, 0, 0, 0, 0]);
  });

  it('drops a bias of zeros where the model has none, and no other', async () => {
    const zeros = { [`${layer}.bias`]: floats([n], () => 0) };
    expect((await openPacked({ others: zeros })).shapes.has(`${layer}.bias`)).toBe(false);
    const ones = { [`${layer}.bias`]: floats([n], () => 1) };
    expect((await openPacked({ others: ones })).shapes.has(`${layer}.bias`)).toBe(true);
  });

  it('has a digest of its own for each way to read the same bytes', async () => {
    const folder = { parts: gptqParts(), statedIn: 'quantize_config.json' } as const;
    const first = await (await openPacked(folder)).digest();
    const second = await (await openPacked({ ...folder, quantization: { ...gptq, sym: true } })).digest();
    expect(second).not.toBe(first);
  });

  const { scales, ...withoutScales } = gptqParts();
  const refused: Readonly<Record<string, readonly [reason: string, named: string, folder: Folder]>> = {
    'lacks its scales': ['tensor_missing', `${layer}.scales`, { parts: withoutScales }],
    'has zero points for other groups': [
      'tensor_misshaped',
      `${layer}.qzeros`,
      { parts: { ...gptqParts(), qzeros: words([1, n / 8], () => 0) } },
    ],
    'has words of another type': [
      'tensor_dtype',
      `${layer}.qweight`,
      { parts: { ...gptqParts(), qweight: floats([k / 8, n], () => 0) } },
    ],
    'names a group that there is not': [
      'checkpoint_invalid',
      `${layer}.g_idx`,
      { parts: { ...gptqParts(), g_idx: words([k], () => 2) } },
    ],
    'is there both packed and not': ['checkpoint_invalid', layer, { others: { [weight]: floats([n, k], () => 0) } }],
  };
  for (const [what, [reason, named, folder]] of Object.entries(refused)) {
    it(`is refused when a matrix ${what}`, async () => {
      await expect(openPacked(folder)).rejects.toMatchObject({ reason, facts: { tensor: named } });
    });
  }

  it('is refused when nothing says how it is packed', async () => {
    const dir = await temporaryFolder();
    await writeTinyCheckpoint(dir, tinyTensors().set(`${layer}.qweight`, gptqParts().qweight));
    await expect(Checkpoint.open(dir)).rejects.toThrow('neither config.json');
  });

  it('is refused when the configuration speaks of matrices that are not there', async () => {
    const dir = await temporaryFolder();
    await writeTinyCheckpoint(dir);
    await writeConfig(dir, { ...tinyRawConfig, quantization_config: gptq });
    await expect(Checkpoint.open(dir)).rejects.toThrow('quantised by gptq');
  });
});
