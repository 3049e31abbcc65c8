import { assertCheckpoint } from './assert-checkpoint.js';
import type { CheckpointFields } from './checkpoint-fields.js';
import { type MeasuredShapes, settle } from './measured-shapes.js';
import type { VisionConfig } from './model-config.js';

/** What every published size has (spec §1.2), for fields that a re-saved file may lack and no tensor shows. */
const usual = {
  depth: 32,
  numHeads: 16,
  inChannels: 3,
  patchSize: 14,
  temporalPatchSize: 2,
  spatialMergeSize: 2,
  windowSize: 112,
  tokensPerSecond: 2,
} as const;
const usualFullAttentionBlocks = [7, 15, 23, 31] as const;

/** The vision tower's dimensions, absent ones from the tensors. Throws ServingError `checkpoint_invalid`. */
export function validateVisionConfig(
  fields: CheckpointFields,
  shapes: MeasuredShapes,
  textHiddenSize: number,
): VisionConfig {
  const activation = fields.text('hidden_act') ?? 'silu';
  assertCheckpoint(activation === 'silu', `${fields.name('hidden_act')} is ${activation}; only silu is supported`);

  // The kernel is [hidden, channels, frames, height, width].
  const kernelAxis = (axis: number) => shapes.axis('visual.patch_embed.proj.weight', axis, 5);
  const settled = (key: string, measured: number | undefined, fallback?: number) =>
    settle(fields.name(key), fields.count(key), measured, fallback);

  const hiddenSize = settled('hidden_size', kernelAxis(0));
  const depth = settled('depth', shapes.repetitions('visual.blocks.'), usual.depth);
  const numHeads = fields.count('num_heads') ?? usual.numHeads;
  const config: VisionConfig = {
    depth,
    hiddenSize,
    numHeads,
    headDim: hiddenSize / numHeads,
    intermediateSize: settled('intermediate_size', shapes.axis('visual.blocks.0.mlp.gate_proj.weight', 0, 2)),
    inChannels: settle(
      fields.name('in_chans'),
      fields.count('in_chans') ?? fields.count('in_channels'),
      kernelAxis(1),
      usual.inChannels,
    ),
    patchSize: settled('patch_size', kernelAxis(3), usual.patchSize),
    temporalPatchSize: settled('temporal_patch_size', kernelAxis(2), usual.temporalPatchSize),
    spatialMergeSize: settled('spatial_merge_size', measuredMergeSize(shapes, hiddenSize), usual.spatialMergeSize),
    windowSize: fields.count('window_size') ?? usual.windowSize,
    fullAttentionBlocks: (fields.indices('fullatt_block_indexes') ?? usualFullAttentionBlocks).filter(
      (block) => block < depth,
    ),
    outHiddenSize: settled('out_hidden_size', shapes.axis('visual.merger.mlp.2.weight', 0, 2), textHiddenSize),
    tokensPerSecond: fields.positiveNumber('tokens_per_second') ?? usual.tokensPerSecond,
  };
  assertConsistent(config, fields, textHiddenSize);
  return config;
}

/** The merger concatenates mergeSize² patches: its first layer is as wide as that many hidden sizes. */
function measuredMergeSize(shapes: MeasuredShapes, hiddenSize: number): number | undefined {
  const width = shapes.axis('visual.merger.mlp.0.weight', 1, 2);
  return width === undefined ? undefined : Math.sqrt(width / hiddenSize);
}

function assertConsistent(config: VisionConfig, fields: CheckpointFields, textHiddenSize: number): void {
  assertCheckpoint(
    config.inChannels === 3,
    `${fields.name('in_chans')} is ${config.inChannels}; only RGB is supported`,
  );
  // A quarter of a head rotates by row and another by column.
  assertCheckpoint(
    config.headDim % 4 === 0,
    `${fields.name('num_heads')} is ${config.numHeads}: a head of ${config.headDim} is not a multiple of 4`,
  );
  assertCheckpoint(
    config.outHiddenSize === textHiddenSize,
    `${fields.name('out_hidden_size')} is ${config.outHiddenSize}, the language part's hidden_size ${textHiddenSize}`,
  );
  const mergedPatch = config.patchSize * config.spatialMergeSize;
  assertCheckpoint(
    config.windowSize >= mergedPatch,
    `${fields.name('window_size')} is ${config.windowSize}, less than one merged patch of ${mergedPatch}`,
  );
}
