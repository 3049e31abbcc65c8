import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectedTensors } from '@tessera/onnx-graph';
import { defaultChatTemplate, validateModelConfig } from '@tessera/qwen2-5-vl';
import { fillEmptyFolder } from './fill-empty-folder.js';
import { type PlannedShard, planShards, shardHeader, shardIndex } from './plan-shards.js';
import { publishedGenerationConfig, publishedPreprocessorConfig } from './published-config.js';
import { publishedTokenizer } from './published-tokenizer.js';
import { RandomWeights } from './random-weights.js';

export interface RandomCheckpointOptions {
  readonly seed: number;
  /** Data of one safetensors file at most. Default 4 GB. */
  readonly maxShardBytes?: number;
}

export interface RandomCheckpointHooks {
  /** Called once, before anything is written. */
  readonly onStart?: (totalBytes: number) => void;
  readonly onBytes?: (numBytes: number) => void;
  readonly signal?: AbortSignal;
}

/** Tokenizer and the other small files, and what a file system adds. */
const extraBytes = 16_000_000;

/**
 * Writes a checkpoint folder laid out as a published one, with random bf16 weights for `config`, a parsed
 * `config.json`. All or nothing: whatever stops it, the folder is left as it was. Throws `invalid_option` unless `dir`
 * is new or empty, and `disk_full`.
 */
export async function writeRandomCheckpoint(
  dir: string,
  config: object,
  { seed, maxShardBytes = 4_000_000_000 }: RandomCheckpointOptions,
  hooks: RandomCheckpointHooks = {},
): Promise<void> {
  const shards = planShards(expectedTensors(validateModelConfig(config)), maxShardBytes);
  const totalBytes = shards.reduce((sum, { dataBytes }) => sum + dataBytes, 0);
  await fillEmptyFolder(dir, totalBytes + extraBytes, async () => {
    hooks.onStart?.(totalBytes);
    const weights = new RandomWeights(seed);
    for (const shard of shards) await writeShard(dir, shard, weights, hooks);
    await writeSmallFiles(dir, shards);
    // Last: without it, nobody takes the folder for a checkpoint.
    await writeJson(dir, 'config.json', config);
  });
}

async function writeShard(
  dir: string,
  shard: PlannedShard,
  weights: RandomWeights,
  { onBytes, signal }: RandomCheckpointHooks,
): Promise<void> {
  await writeFile(join(dir, shard.file), shardBytes(shard, weights, onBytes), { flag: 'wx', signal });
}

function* shardBytes(
  shard: PlannedShard,
  weights: RandomWeights,
  onBytes: RandomCheckpointHooks['onBytes'],
): Generator<Uint8Array> {
  yield shardHeader(shard);
  for (const { name, numValues } of shard.tensors) {
    for (const block of weights.blocks(name, numValues)) {
      yield block;
      onBytes?.(block.byteLength);
    }
  }
}

async function writeSmallFiles(dir: string, shards: readonly PlannedShard[]): Promise<void> {
  const { tokenizer, tokenizerConfig } = await publishedTokenizer(defaultChatTemplate);
  await writeJson(dir, 'model.safetensors.index.json', shardIndex(shards));
  await writeJson(dir, 'generation_config.json', publishedGenerationConfig);
  await writeJson(dir, 'preprocessor_config.json', publishedPreprocessorConfig);
  await writeJson(dir, 'chat_template.json', { chat_template: defaultChatTemplate });
  await writeJson(dir, 'tokenizer.json', tokenizer);
  await writeJson(dir, 'tokenizer_config.json', tokenizerConfig);
}

async function writeJson(dir: string, name: string, value: unknown): Promise<void> {
  await writeFile(join(dir, name), `${JSON.stringify(value, undefined, 2)}\n`);
}
