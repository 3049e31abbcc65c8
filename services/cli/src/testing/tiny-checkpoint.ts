import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectedTensors } from '@tessera/onnx-graph';
import { validateModelConfig } from '@tessera/qwen2-5-vl';
import { planShards, shardHeader } from '../random-checkpoint/plan-shards.js';

/** A `config.json` with the smallest dimensions that make sense and the published token ids. */
export const tinyRawConfig = {
  model_type: 'qwen2_5_vl',
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 40,
  vocab_size: 151_665,
  rope_scaling: { type: 'mrope', mrope_section: [1, 1, 0] },
  tie_word_embeddings: true,
  vision_config: {
    depth: 1,
    hidden_size: 8,
    intermediate_size: 12,
    num_heads: 2,
    window_size: 112,
    out_hidden_size: 16,
    fullatt_block_indexes: [0],
  },
};

/** Tensor shapes of the tiny model. */
export function tinyShapes(): Map<string, readonly number[]> {
  return expectedTensors(validateModelConfig(tinyRawConfig));
}

/** Writes `config.json`, an empty `tokenizer.json` and one file of tensors that are all zero. */
export async function writeTinyCheckpoint(dir: string, shapes = tinyShapes()): Promise<void> {
  const [shard] = planShards(shapes, Number.POSITIVE_INFINITY);
  await writeFile(join(dir, 'config.json'), JSON.stringify(tinyRawConfig));
  await writeFile(join(dir, 'tokenizer.json'), '{}');
  await writeFile(join(dir, shard.file), Buffer.concat([shardHeader(shard), Buffer.alloc(shard.dataBytes)]));
}
