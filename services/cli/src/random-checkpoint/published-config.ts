import { type PublishedSize, publishedVision } from '../inspect/published-sizes.js';

const tokenIds = { bos: 151_643, eos: 151_645 } as const;

/** `config.json` of a published size in the layout of the original release (spec §1.1, §1.2). */
export function publishedConfig({ text, ...size }: PublishedSize, numLayers: number): object {
  return {
    architectures: ['Qwen2_5_VLForConditionalGeneration'],
    attention_dropout: 0,
    bos_token_id: tokenIds.bos,
    eos_token_id: tokenIds.eos,
    vision_start_token_id: 151_652,
    vision_end_token_id: 151_653,
    vision_token_id: 151_654,
    image_token_id: 151_655,
    video_token_id: 151_656,
    hidden_act: 'silu',
    hidden_size: text.hiddenSize,
    initializer_range: 0.02,
    intermediate_size: text.intermediateSize,
    max_position_embeddings: 128_000,
    max_window_layers: size.maxWindowLayers,
    model_type: 'qwen2_5_vl',
    num_attention_heads: text.numHeads,
    num_hidden_layers: numLayers,
    num_key_value_heads: text.numKvHeads,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    sliding_window: 32_768,
    tie_word_embeddings: size.isHeadTied,
    torch_dtype: 'bfloat16',
    transformers_version: '4.41.2',
    use_cache: true,
    use_sliding_window: false,
    vision_config: visionConfig(size.visionIntermediateSize, text.hiddenSize),
    rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] },
    vocab_size: text.vocabSize,
  };
}

function visionConfig(intermediateSize: number, outHiddenSize: number): object {
  return {
    depth: publishedVision.depth,
    hidden_act: 'silu',
    hidden_size: publishedVision.hiddenSize,
    intermediate_size: intermediateSize,
    num_heads: publishedVision.numHeads,
    in_chans: 3,
    out_hidden_size: outHiddenSize,
    patch_size: publishedVision.patchSize,
    spatial_merge_size: publishedVision.spatialMergeSize,
    spatial_patch_size: publishedVision.patchSize,
    window_size: publishedVision.windowSize,
    fullatt_block_indexes: publishedVision.fullAttentionBlocks,
    tokens_per_second: publishedVision.tokensPerSecond,
    temporal_patch_size: publishedVision.temporalPatchSize,
  };
}

/** `generation_config.json` of all sizes (spec §7.5). */
export const publishedGenerationConfig = {
  bos_token_id: tokenIds.bos,
  pad_token_id: tokenIds.bos,
  do_sample: true,
  eos_token_id: [tokenIds.eos, tokenIds.bos],
  repetition_penalty: 1.05,
  temperature: 1e-6,
  transformers_version: '4.49.0',
};

/** `preprocessor_config.json` of all sizes (spec §3.1). */
export const publishedPreprocessorConfig = {
  min_pixels: 3136,
  max_pixels: 12_845_056,
  patch_size: publishedVision.patchSize,
  temporal_patch_size: publishedVision.temporalPatchSize,
  merge_size: publishedVision.spatialMergeSize,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
  image_processor_type: 'Qwen2VLImageProcessor',
  processor_class: 'Qwen2_5_VLProcessor',
};
