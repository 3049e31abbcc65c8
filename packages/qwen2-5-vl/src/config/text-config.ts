import { assertCheckpoint } from './assert-checkpoint.js';
import type { CheckpointFields } from './checkpoint-fields.js';
import { type MeasuredShapes, settle } from './measured-shapes.js';
import type { TextConfig } from './model-config.js';

/**
 * What every published size has, for fields that a re-saved file may lack. Not the defaults of the reference's class:
 * those differ from all published files (spec §1.4).
 */
const usual = { headDim: 128, rmsNormEps: 1e-6, ropeTheta: 1e6, maxPositionEmbeddings: 128_000 } as const;
const usualSections = [16, 24, 24] as const;

/** The language part's dimensions, absent ones from the tensors. Throws ServingError `checkpoint_invalid`. */
export function validateTextConfig(fields: CheckpointFields, shapes: MeasuredShapes): TextConfig {
  refuseOtherArchitectures(fields);
  const rope = fields.section('rope_parameters') ?? fields.section('rope_scaling');
  const sections = mropeSections(rope);
  const embeddings = 'model.embed_tokens.weight';
  const hiddenSize = settle(
    fields.name('hidden_size'),
    fields.count('hidden_size'),
    shapes.axis(embeddings, 1, 2) ?? shapes.axis('model.norm.weight', 0, 1),
  );
  const heads = attentionHeads(fields, shapes, hiddenSize, sections);
  const rotaryHalf = sections[0] + sections[1] + sections[2];
  assertCheckpoint(
    rotaryHalf * 2 === heads.headDim,
    `${fields.name('rope_scaling.mrope_section')} sums to ${rotaryHalf}, half a head of ${heads.headDim} is needed`,
  );
  return {
    hiddenSize,
    ...heads,
    numLayers: settle(
      fields.name('num_hidden_layers'),
      fields.count('num_hidden_layers'),
      shapes.repetitions('model.layers.'),
    ),
    intermediateSize: settle(
      fields.name('intermediate_size'),
      fields.count('intermediate_size'),
      shapes.axis('model.layers.0.mlp.gate_proj.weight', 0, 2),
    ),
    vocabSize: settle(fields.name('vocab_size'), fields.count('vocab_size'), shapes.axis(embeddings, 0, 2)),
    rmsNormEps: fields.positiveNumber('rms_norm_eps') ?? usual.rmsNormEps,
    ropeTheta: rope?.positiveNumber('rope_theta') ?? fields.positiveNumber('rope_theta') ?? usual.ropeTheta,
    mropeSections: sections,
    maxPositionEmbeddings: fields.count('max_position_embeddings') ?? usual.maxPositionEmbeddings,
  };
}

function attentionHeads(
  fields: CheckpointFields,
  shapes: MeasuredShapes,
  hiddenSize: number,
  sections: readonly [number, number, number],
): Pick<TextConfig, 'numHeads' | 'numKvHeads' | 'headDim'> {
  const statedHeads = fields.count('num_attention_heads');
  const headDim =
    fields.count('head_dim') ??
    (statedHeads === undefined ? 2 * (sections[0] + sections[1] + sections[2]) : hiddenSize / statedHeads);
  const headsIn = (projection: string) => {
    const rows = shapes.axis(`model.layers.0.self_attn.${projection}.weight`, 0, 2);
    return rows === undefined ? undefined : rows / headDim;
  };
  const numHeads = settle(
    fields.name('num_attention_heads'),
    statedHeads,
    headsIn('q_proj'),
    shapes.isKnown ? undefined : hiddenSize / headDim,
  );
  const numKvHeads = settle(
    fields.name('num_key_value_heads'),
    fields.count('num_key_value_heads'),
    headsIn('k_proj'),
    shapes.isKnown ? undefined : numHeads,
  );
  assertCheckpoint(
    Number.isInteger(headDim) && headDim % 2 === 0 && Number.isInteger(numHeads) && Number.isInteger(numKvHeads),
    `${fields.name('num_attention_heads')}: ${numHeads} heads and ${numKvHeads} key-value heads of ${headDim} do not fit`,
  );
  assertCheckpoint(
    numHeads % numKvHeads === 0,
    `${fields.name('num_key_value_heads')} is ${numKvHeads}, which does not divide the ${numHeads} attention heads`,
  );
  return { numHeads, numKvHeads, headDim };
}

function mropeSections(rope: CheckpointFields | undefined): readonly [number, number, number] {
  const kind = rope?.text('rope_type') ?? rope?.text('type') ?? 'default';
  assertCheckpoint(
    kind === 'mrope' || kind === 'default',
    `${rope?.name('type')} is ${kind}; only plain M-RoPE is supported`,
  );
  const stated = rope?.indices('mrope_section') ?? usualSections;
  assertCheckpoint(stated.length === 3, `${rope?.name('mrope_section')} must have three entries, not ${stated.length}`);
  return [stated[0]!, stated[1]!, stated[2]!];
}

function refuseOtherArchitectures(fields: CheckpointFields): void {
  const activation = fields.text('hidden_act') ?? 'silu';
  assertCheckpoint(activation === 'silu', `${fields.name('hidden_act')} is ${activation}; only silu is supported`);
  const slides =
    fields.flag('use_sliding_window') === true ||
    fields.strings('layer_types')?.some((type) => type !== 'full_attention') === true;
  assertCheckpoint(!slides, `${fields.name('use_sliding_window')}: sliding-window attention is not supported`);
}
