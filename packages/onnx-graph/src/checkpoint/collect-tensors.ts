import type { FileHandle } from 'node:fs/promises';
import { ServingError } from '@tessera/domain';
import { canonicalTensorName, type QuantizationConfig } from '@tessera/qwen2-5-vl';
import { widenToFloat32 } from './float-formats.js';
import { describePackedMatrix, type PackedMatrix } from './packed-matrix.js';
import { readSafetensorsHeader } from './safetensors-header.js';
import { floatTensor, type LocatedTensor, readWhole, type StoredTensor } from './stored-tensor.js';

/** An open safetensors file. */
export interface ShardFile {
  readonly name: string;
  readonly handle: FileHandle;
  readonly numBytes: number;
}

/** All tensors of a checkpoint by canonical names; a packed matrix goes by the name of the weight that it stands for. */
export interface CheckpointTensors {
  readonly floats: ReadonlyMap<string, StoredTensor>;
  readonly packed: ReadonlyMap<string, PackedMatrix>;
}

/** Reads headers and small tensors. Throws `checkpoint_invalid`, `tensor_dtype`, `tensor_missing`, `tensor_misshaped`. */
export async function collectTensors(
  files: readonly ShardFile[],
  quantization: QuantizationConfig | undefined,
): Promise<CheckpointTensors> {
  const located = await locateTensors(files);
  const packed = new Map<string, PackedMatrix>();
  for (const name of packedLayers(located, quantization)) {
    packed.set(`${name}.weight`, await takePacked(name, located, quantization as QuantizationConfig));
  }
  return { floats: new Map([...located].map(([name, tensor]) => [name, floatTensor(tensor)])), packed };
}

async function locateTensors(files: readonly ShardFile[]): Promise<Map<string, LocatedTensor>> {
  const located = new Map<string, LocatedTensor>();
  for (const { handle: file, name: fileName } of files) {
    for (const [storedName, location] of await readSafetensorsHeader(file, fileName)) {
      const name = canonicalTensorName(storedName);
      if (located.has(name)) {
        throw new ServingError('checkpoint_invalid', `Tensor ${storedName} occurs twice.`, { tensor: storedName });
      }
      located.set(name, { ...location, storedName, file });
    }
  }
  return located;
}

const packedSuffix = '.qweight';

/** Linear layers whose weight is packed, by name. */
function packedLayers(
  located: ReadonlyMap<string, LocatedTensor>,
  quantization: QuantizationConfig | undefined,
): string[] {
  const names = [...located.keys()].filter((name) => name.endsWith(packedSuffix));
  if (names.length > 0 && !quantization) {
    throw new ServingError(
      'checkpoint_invalid',
      `Tensor ${names[0]} is quantised, but neither config.json (quantization_config) nor quantize_config.json says how.`,
      { tensor: names[0] },
    );
  }
  if (names.length === 0 && quantization) {
    throw new ServingError(
      'checkpoint_invalid',
      `The configuration says that tensors are quantised by ${quantization.method}, but there is no ${packedSuffix.slice(1)}.`,
      { field: 'quantization_config' },
    );
  }
  return names.map((name) => name.slice(0, -packedSuffix.length));
}

/** The matrix of a layer, whose tensors are taken out of `located`. */
async function takePacked(
  name: string,
  located: Map<string, LocatedTensor>,
  quantization: QuantizationConfig,
): Promise<PackedMatrix> {
  if (located.has(`${name}.weight`)) {
    throw new ServingError('checkpoint_invalid', `${name} has a weight both quantised and not.`, { tensor: name });
  }
  const take = (part: string): LocatedTensor | undefined => {
    const tensor = located.get(`${name}.${part}`);
    located.delete(`${name}.${part}`);
    return tensor;
  };
  const parts = { qweight: take('qweight'), qzeros: take('qzeros'), scales: take('scales'), g_idx: take('g_idx') };
  await dropEmptyBias(name, located);
  return describePackedMatrix(name, parts, quantization);
}

/** Layers without a bias in the model, for which older GPTQ tools store zeros (AutoGPTQ/AutoGPTQ#555). */
const withoutBias = /\.(self_attn\.o_proj|mlp\.(gate|up|down)_proj)$|^lm_head$/;

async function dropEmptyBias(name: string, located: Map<string, LocatedTensor>): Promise<void> {
  const bias = located.get(`${name}.bias`);
  if (!bias || name.startsWith('visual.') || !withoutBias.test(name)) return;
  const values = widenToFloat32(await readWhole(bias), floatTensor(bias).dtype);
  if (values.every((value) => value === 0)) located.delete(`${name}.bias`);
}
