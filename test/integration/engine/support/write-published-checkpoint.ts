import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Checkpoint } from '@tessera/onnx-graph';
import { packMatrix } from './pack-matrix.js';
import { type PublishedLayout, type RoundedMatrix, roundMatrix } from './published-layout.js';
import { floatTensor, type RawTensor, writeSafetensors } from './write-safetensors.js';

export interface PublishedFolders {
  readonly publishedDir: string;
  readonly valuesDir: string;
}

const isDecoderMatrix = (name: string): boolean => /^model\.layers\..*_proj\.weight$/.test(name);

/**
 * Writes the model in `sourceDir` twice: with the decoder's matrices quantised as `layout` says into `publishedDir`, and
 * in float32 with the values that these stand for into `valuesDir`.
 */
export async function writePublishedCheckpoint(
  sourceDir: string,
  folders: PublishedFolders,
  layout: PublishedLayout,
): Promise<PublishedFolders> {
  const published = new Map<string, RawTensor>();
  const values = new Map<string, RawTensor>();
  const source = await Checkpoint.open(sourceDir);
  for (const [name, shape] of source.shapes) {
    const stored = await source.readRows(name, 0, shape[0]);
    if (!isDecoderMatrix(name)) {
      published.set(name, floatTensor(shape, stored));
      values.set(name, floatTensor(shape, stored));
      continue;
    }
    const rounded = roundMatrix(stored, shape[1], layout);
    values.set(name, floatTensor(shape, rounded.values));
    setPacked(published, name.slice(0, -'.weight'.length), rounded, layout);
  }
  await source.close();
  await writeFolder(sourceDir, folders.valuesDir, values, {});
  await writeFolder(sourceDir, folders.publishedDir, published, { quantization_config: quantizationConfig(layout) });
  return folders;
}

/** As older GPTQ tools do, layers without a bias get one of zeros. */
function setPacked(
  tensors: Map<string, RawTensor>,
  name: string,
  matrix: RoundedMatrix,
  layout: PublishedLayout,
): void {
  for (const [part, tensor] of Object.entries(packMatrix(matrix, layout))) tensors.set(`${name}.${part}`, tensor);
  const isWithoutBias = name.endsWith('o_proj') || name.includes('.mlp.');
  if (layout.method === 'gptq' && isWithoutBias) {
    tensors.set(`${name}.bias`, floatTensor([matrix.levels.length], new Float32Array(matrix.levels.length)));
  }
}

function quantizationConfig({ method, bits, groupSize, isSymmetric = false, isActOrder, format }: PublishedLayout) {
  const common = { quant_method: method, bits, group_size: groupSize };
  if (method === 'awq') return { ...common, version: 'gemm', zero_point: true, modules_to_not_convert: ['visual'] };
  return { ...common, sym: isSymmetric, desc_act: isActOrder ?? false, checkpoint_format: format };
}

async function writeFolder(
  sourceDir: string,
  dir: string,
  tensors: ReadonlyMap<string, RawTensor>,
  configFields: object,
): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const name of (await readdir(sourceDir)).filter((file) => file.endsWith('.json'))) {
    await cp(join(sourceDir, name), join(dir, name));
  }
  const config = JSON.parse(await readFile(join(sourceDir, 'config.json'), 'utf8')) as object;
  await writeFile(join(dir, 'config.json'), JSON.stringify({ ...config, ...configFields }));
  await writeSafetensors(join(dir, 'model.safetensors'), tensors);
}
