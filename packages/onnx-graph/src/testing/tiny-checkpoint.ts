import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { validateModelConfig } from '@tessera/qwen2-5-vl';
import { expectedTensors } from '../checkpoint/expected-tensors.js';
import { bytesPerElement, type FloatDtype } from '../checkpoint/float-formats.js';

/** A `config.json` with the smallest dimensions that make sense. */
export const tinyRawConfig = {
  model_type: 'qwen2_5_vl',
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 40,
  vocab_size: 20,
  rope_scaling: { type: 'mrope', mrope_section: [1, 1, 0] },
  tie_word_embeddings: true,
  vision_start_token_id: 1,
  vision_end_token_id: 2,
  image_token_id: 3,
  video_token_id: 4,
  vision_config: {
    depth: 1,
    hidden_size: 8,
    intermediate_size: 12,
    num_heads: 2,
    patch_size: 2,
    window_size: 8,
    out_hidden_size: 16,
    fullatt_block_indexes: [0],
  },
};

export const tinyConfig = validateModelConfig(tinyRawConfig);

export interface RawTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** All tensors of the tiny model in float32, each counting up from 0. */
export function tinyTensors(): Map<string, RawTensor> {
  return new Map([...expectedTensors(tinyConfig)].map(([name, shape]) => [name, countingTensor(shape)]));
}

/** 0, 1, 2, … as float32. */
export function countingTensor(shape: readonly number[]): RawTensor {
  const values = Float32Array.from({ length: product(shape) }, (_, i) => i);
  return { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer) };
}

export function zeroTensor(shape: readonly number[], dtype: FloatDtype = 'F32'): RawTensor {
  return { dtype, shape, bytes: new Uint8Array(product(shape) * bytesPerElement[dtype]) };
}

/** A safetensors file, its header not padded, so that data lies at odd places. */
export function encodeSafetensors(tensors: ReadonlyMap<string, RawTensor>): Buffer {
  let offset = 0;
  const entries = [...tensors].map(([name, { dtype, shape, bytes }]) => {
    const start = offset;
    offset += bytes.byteLength;
    return [name, { dtype, shape, data_offsets: [start, offset] }];
  });
  const data = [...tensors.values()].map(({ bytes }) => bytes);
  return Buffer.concat([encodeHeader(JSON.stringify(Object.fromEntries(entries))), ...data]);
}

/** A header with its length in front; `statedLen` may lie. */
export function encodeHeader(json: string, statedLen = Buffer.byteLength(json)): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(statedLen));
  return Buffer.concat([length, Buffer.from(json)]);
}

/** Writes `config.json` and one `model.safetensors`. */
export async function writeTinyCheckpoint(dir: string, tensors = tinyTensors()): Promise<void> {
  await writeConfig(dir);
  await writeFile(join(dir, 'model.safetensors'), encodeSafetensors(tensors));
}

export async function writeConfig(dir: string, config: object = tinyRawConfig): Promise<void> {
  await writeFile(join(dir, 'config.json'), JSON.stringify(config));
}

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
