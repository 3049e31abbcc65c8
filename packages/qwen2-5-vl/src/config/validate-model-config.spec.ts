import { describe, expect, test } from 'vitest';
import { validateModelConfig } from './validate-model-config.js';

type Fields = Record<string, unknown>;

const textFields: Fields = {
  hidden_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 96,
  vocab_size: 200,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  rope_scaling: { type: 'mrope', mrope_section: [2, 3, 3] },
  max_position_embeddings: 512,
};
const visionFields: Fields = {
  depth: 3,
  hidden_size: 32,
  num_heads: 2,
  intermediate_size: 48,
  in_chans: 3,
  patch_size: 7,
  temporal_patch_size: 2,
  spatial_merge_size: 2,
  window_size: 56,
  fullatt_block_indexes: [1],
  out_hidden_size: 64,
  tokens_per_second: 4,
};
const tokenFields: Fields = {
  bos_token_id: 190,
  vision_start_token_id: 191,
  vision_end_token_id: 192,
  image_token_id: 193,
  video_token_id: 194,
};

const flat = (text: Fields = {}, vision: Fields = {}, root: Fields = {}): Fields => ({
  model_type: 'qwen2_5_vl',
  ...tokenFields,
  ...textFields,
  ...text,
  vision_config: { ...visionFields, ...vision },
  ...root,
});

const { bos_token_id, ...visualTokenFields } = tokenFields;
const nested: Fields = {
  model_type: 'qwen2_5_vl',
  ...visualTokenFields,
  text_config: { model_type: 'qwen2_5_vl_text', bos_token_id, ...textFields, layer_types: ['full_attention'] },
  vision_config: visionFields,
};

const shapes = new Map<string, readonly number[]>([
  ['visual.patch_embed.proj.weight', [32, 3, 2, 7, 7]],
  ['visual.blocks.0.mlp.gate_proj.weight', [48, 32]],
  ['visual.blocks.2.norm1.weight', [32]],
  ['visual.merger.mlp.0.weight', [128, 128]],
  ['visual.merger.mlp.2.weight', [64, 128]],
  ['model.embed_tokens.weight', [200, 64]],
  ['model.layers.0.self_attn.q_proj.weight', [64, 64]],
  ['model.layers.0.self_attn.k_proj.weight', [32, 64]],
  ['model.layers.0.mlp.gate_proj.weight', [96, 64]],
  ['model.layers.1.input_layernorm.weight', [64]],
  ['lm_head.weight', [200, 64]],
]);

describe('validateModelConfig', () => {
  test('reads the flat layout', () => {
    expect(validateModelConfig(flat())).toEqual({
      text: {
        hiddenSize: 64,
        numLayers: 2,
        numHeads: 4,
        numKvHeads: 2,
        headDim: 16,
        intermediateSize: 96,
        vocabSize: 200,
        rmsNormEps: 1e-6,
        ropeTheta: 10_000,
        mropeSections: [2, 3, 3],
        maxPositionEmbeddings: 512,
      },
      vision: {
        depth: 3,
        hiddenSize: 32,
        numHeads: 2,
        headDim: 16,
        intermediateSize: 48,
        inChannels: 3,
        patchSize: 7,
        temporalPatchSize: 2,
        spatialMergeSize: 2,
        windowSize: 56,
        fullAttentionBlocks: [1],
        outHiddenSize: 64,
        tokensPerSecond: 4,
      },
      specialTokens: { bos: 190, visionStart: 191, visionEnd: 192, image: 193, video: 194 },
      isHeadTied: false,
    });
  });

  test('reads the nested layout to the same configuration', () => {
    expect(validateModelConfig(nested)).toEqual(validateModelConfig(flat()));
  });

  test('reads rotary parameters under their newer name', () => {
    const { rope_theta, rope_scaling, ...rest } = textFields;
    const renamed = { ...rest, rope_parameters: { rope_type: 'default', rope_theta, mrope_section: [2, 3, 3] } };
    expect(validateModelConfig({ ...nested, text_config: renamed }).text).toEqual(validateModelConfig(flat()).text);
  });

  test('fills every absent dimension that a tensor shows', () => {
    const { num_heads, window_size, fullatt_block_indexes, tokens_per_second } = visionFields;
    const { rope_scaling, rope_theta, max_position_embeddings } = textFields;
    const sparse = {
      model_type: 'qwen2_5_vl',
      ...tokenFields,
      rope_scaling,
      rope_theta,
      max_position_embeddings,
      vision_config: { num_heads, window_size, fullatt_block_indexes, tokens_per_second },
    };
    expect(validateModelConfig(sparse, shapes)).toEqual(validateModelConfig(flat(), shapes));
  });

  test('fills what no tensor shows with what all published sizes have', () => {
    const sparse = flat(
      { rms_norm_eps: undefined, rope_theta: undefined, max_position_embeddings: undefined },
      { window_size: undefined, fullatt_block_indexes: undefined, tokens_per_second: undefined, depth: 16 },
    );
    expect(validateModelConfig(sparse).text).toMatchObject({
      rmsNormEps: 1e-6,
      ropeTheta: 1e6,
      maxPositionEmbeddings: 128_000,
    });
    expect(validateModelConfig(sparse).vision).toMatchObject({
      windowSize: 112,
      fullAttentionBlocks: [7, 15],
      tokensPerSecond: 2,
    });
  });

  test('ties the head when the flag says so or when there is no head', () => {
    const headless = new Map(shapes);
    headless.delete('lm_head.weight');
    expect(validateModelConfig(flat({ tie_word_embeddings: true })).isHeadTied).toBe(true);
    expect(validateModelConfig(flat({ tie_word_embeddings: true }), shapes).isHeadTied).toBe(true);
    expect(validateModelConfig(flat({ tie_word_embeddings: false }), headless).isHeadTied).toBe(true);
    expect(validateModelConfig(flat(), shapes).isHeadTied).toBe(false);
  });

  test('refuses another architecture by its name', () => {
    for (const root of [{ model_type: 'qwen2_vl' }, { model_type: undefined }]) {
      expect(() => validateModelConfig(flat({}, {}, root))).toThrow(
        expect.objectContaining({ reason: 'unsupported_model_type' }),
      );
    }
  });

  const contradictions: readonly (readonly [string, Fields, Fields, string])[] = [
    ['a hidden size', { hidden_size: 128 }, {}, 'config.json: hidden_size is 128, but the tensors are made for 64'],
    [
      'a layer count',
      { num_hidden_layers: 3 },
      {},
      'config.json: num_hidden_layers is 3, but the tensors are made for 2',
    ],
    ['a vocabulary', { vocab_size: 201 }, {}, 'config.json: vocab_size is 201, but the tensors are made for 200'],
    [
      'key-value heads',
      { num_key_value_heads: 4 },
      {},
      'config.json: num_key_value_heads is 4, but the tensors are made for 2',
    ],
    ['a depth', {}, { depth: 4 }, 'config.json: vision_config.depth is 4, but the tensors are made for 3'],
    ['a patch', {}, { patch_size: 14 }, 'config.json: vision_config.patch_size is 14, but the tensors are made for 7'],
    [
      'a merge',
      {},
      { spatial_merge_size: 1 },
      'config.json: vision_config.spatial_merge_size is 1, but the tensors are made for 2',
    ],
  ];
  for (const [what, text, vision, message] of contradictions) {
    test(`refuses ${what} that the tensors contradict`, () => {
      expect(() => validateModelConfig(flat(text, vision), shapes)).toThrow(message);
    });
  }

  const invalid: readonly (readonly [string, Fields, Fields, string])[] = [
    ['a missing size', { intermediate_size: undefined }, {}, 'intermediate_size is missing and no tensor shows it'],
    ['a size that is no integer', { hidden_size: '64' }, {}, 'hidden_size must be a positive integer, not "64"'],
    ['heads that do not divide', { num_attention_heads: 3 }, {}, 'num_attention_heads'],
    ['sections that do not fill a head', { num_attention_heads: 2 }, {}, 'mrope_section sums to 8'],
    ['scaled rotary angles', { rope_scaling: { type: 'yarn', mrope_section: [2, 3, 3] } }, {}, 'type is yarn'],
    ['another activation', { hidden_act: 'gelu' }, {}, 'hidden_act is gelu'],
    ['sliding windows', { use_sliding_window: true }, {}, 'sliding-window attention is not supported'],
    ['an id outside the vocabulary', { image_token_id: 200 }, {}, 'image_token_id is 200, vocab_size only 200'],
    ['a tower of another width', {}, { out_hidden_size: 32 }, 'out_hidden_size is 32'],
    ['a window below a merged patch', {}, { window_size: 13 }, 'window_size is 13'],
    ['grey pictures', {}, { in_chans: 1 }, 'only RGB is supported'],
  ];
  for (const [what, text, vision, message] of invalid) {
    test(`refuses ${what}`, () => {
      const validate = () => validateModelConfig(flat(text, vision));
      expect(validate).toThrow(message);
      expect(validate).toThrow(expect.objectContaining({ reason: 'checkpoint_invalid' }));
    });
  }

  test('refuses a file that is no object and one without a tower', () => {
    expect(() => validateModelConfig([])).toThrow('config.json must be an object, not []');
    expect(() => validateModelConfig(flat({}, {}, { vision_config: undefined }))).toThrow('vision_config is missing');
  });
});
