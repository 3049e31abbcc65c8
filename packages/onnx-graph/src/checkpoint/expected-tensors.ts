import { ServingError } from '@tessera/domain';
import type { ModelConfig, TensorShapes } from '@tessera/qwen2-5-vl';

/** Every tensor that a checkpoint of this configuration holds, by canonical name (spec §2.1). */
export function expectedTensors(config: ModelConfig): Map<string, readonly number[]> {
  return new Map([...visionTensors(config), ...textTensors(config)]);
}

function visionTensors({ vision }: ModelConfig): [string, number[]][] {
  const { hiddenSize: h, intermediateSize: j, inChannels, temporalPatchSize, patchSize, outHiddenSize } = vision;
  const merged = h * vision.spatialMergeSize ** 2;
  const block = (n: number): [string, number[]][] =>
    [
      ['norm1.weight', [h]],
      ['norm2.weight', [h]],
      ['attn.qkv.weight', [3 * h, h]],
      ['attn.qkv.bias', [3 * h]],
      ['attn.proj.weight', [h, h]],
      ['attn.proj.bias', [h]],
      ['mlp.gate_proj.weight', [j, h]],
      ['mlp.gate_proj.bias', [j]],
      ['mlp.up_proj.weight', [j, h]],
      ['mlp.up_proj.bias', [j]],
      ['mlp.down_proj.weight', [h, j]],
      ['mlp.down_proj.bias', [h]],
    ].map(([name, shape]) => [`visual.blocks.${n}.${name}`, shape as number[]]);
  return [
    ['visual.patch_embed.proj.weight', [h, inChannels, temporalPatchSize, patchSize, patchSize]],
    ...range(vision.depth).flatMap(block),
    ['visual.merger.ln_q.weight', [h]],
    ['visual.merger.mlp.0.weight', [merged, merged]],
    ['visual.merger.mlp.0.bias', [merged]],
    ['visual.merger.mlp.2.weight', [outHiddenSize, merged]],
    ['visual.merger.mlp.2.bias', [outHiddenSize]],
  ];
}

function textTensors({ text, isHeadTied }: ModelConfig): [string, number[]][] {
  const { hiddenSize: h, intermediateSize: i, vocabSize, headDim } = text;
  const q = text.numHeads * headDim;
  const kv = text.numKvHeads * headDim;
  const layer = (n: number): [string, number[]][] =>
    [
      ['input_layernorm.weight', [h]],
      ['post_attention_layernorm.weight', [h]],
      ['self_attn.q_proj.weight', [q, h]],
      ['self_attn.q_proj.bias', [q]],
      ['self_attn.k_proj.weight', [kv, h]],
      ['self_attn.k_proj.bias', [kv]],
      ['self_attn.v_proj.weight', [kv, h]],
      ['self_attn.v_proj.bias', [kv]],
      ['self_attn.o_proj.weight', [h, q]],
      ['mlp.gate_proj.weight', [i, h]],
      ['mlp.up_proj.weight', [i, h]],
      ['mlp.down_proj.weight', [h, i]],
    ].map(([name, shape]) => [`model.layers.${n}.${name}`, shape as number[]]);
  return [
    ['model.embed_tokens.weight', [vocabSize, h]],
    ...range(text.numLayers).flatMap(layer),
    ['model.norm.weight', [h]],
    ...(isHeadTied ? [] : [['lm_head.weight', [vocabSize, h]] as [string, number[]]]),
  ];
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/**
 * Throws `tensor_missing`, `tensor_unused` or `tensor_misshaped`, naming every offender (the first ten). A silent
 * mismatch would leave random weights (spec §2.2). A stored head beside a tied one is ignored, as the reference does.
 */
export function assertTensors(config: ModelConfig, shapes: TensorShapes): void {
  const expected = expectedTensors(config);
  const missing = [...expected.keys()].filter((name) => !shapes.has(name));
  if (missing.length > 0) throw refusal('tensor_missing', 'The checkpoint lacks', missing);
  const unused = [...shapes.keys()].filter((name) => !expected.has(name) && !(config.isHeadTied && name === headName));
  if (unused.length > 0) throw refusal('tensor_unused', 'The model has no place for', unused);
  const misshaped = [...expected]
    .filter(([name, shape]) => shapes.get(name)?.join() !== shape.join())
    .map(([name, shape]) => `${name} [${shapes.get(name)?.join(', ')}] instead of [${shape.join(', ')}]`);
  if (misshaped.length > 0) throw refusal('tensor_misshaped', 'Shapes contradict config.json:', misshaped);
}

const headName = 'lm_head.weight';

function refusal(
  reason: 'tensor_missing' | 'tensor_unused' | 'tensor_misshaped',
  what: string,
  names: readonly string[],
): ServingError {
  const listed = names.slice(0, 10).join(', ');
  const more = names.length > 10 ? ` and ${names.length - 10} more` : '';
  return new ServingError(reason, `${what} ${listed}${more}.`, { tensor: names[0], numTensors: names.length });
}
