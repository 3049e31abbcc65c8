import { ServingError } from '@tessera/domain';
import { CheckpointFields } from './checkpoint-fields.js';
import { MeasuredShapes } from './measured-shapes.js';
import type { ModelConfig, SpecialTokenIds, TensorShapes } from './model-config.js';
import { validateTextConfig } from './text-config.js';
import { validateVisionConfig } from './vision-config.js';

const modelType = 'qwen2_5_vl';

/**
 * Reads a parsed `config.json`, in the original flat layout or with a `text_config`. Absent fields come from the
 * tensors' shapes, then from what every published size has; a stated field that contradicts a shape is refused.
 * Throws ServingError `unsupported_model_type` or `checkpoint_invalid`, which names the field.
 */
export function validateModelConfig(raw: unknown, shapes?: TensorShapes): ModelConfig {
  const root = new CheckpointFields(raw, 'config.json');
  const stated = root.text('model_type') ?? root.strings('architectures')?.[0] ?? 'nothing';
  if (stated !== modelType && stated !== 'Qwen2_5_VLForConditionalGeneration') {
    throw new ServingError('unsupported_model_type', `model_type is ${stated}; this serves ${modelType}`, {
      modelType: stated,
    });
  }
  const measured = new MeasuredShapes(shapes);
  const nested = root.section('text_config');
  const textFields = nested === undefined ? root : root.overlaidBy(nested);
  const visionFields = root.section('vision_config');
  if (visionFields === undefined) {
    throw new ServingError('checkpoint_invalid', 'config.json: vision_config is missing', { field: 'vision_config' });
  }
  const text = validateTextConfig(textFields, measured);
  return {
    text,
    vision: validateVisionConfig(visionFields, measured, text.hiddenSize),
    specialTokens: specialTokens(nested === undefined ? root : nested.overlaidBy(root), text.vocabSize),
    isHeadTied: isHeadTied(root, textFields, measured),
  };
}

/** The ids of the published checkpoints stand in only where the file has none, as re-saved files do. */
function specialTokens(fields: CheckpointFields, vocabSize: number): SpecialTokenIds {
  const read = (key: string, published: number) => {
    const id = fields.index(key) ?? published;
    if (id >= vocabSize) {
      throw new ServingError('checkpoint_invalid', `${fields.name(key)} is ${id}, vocab_size only ${vocabSize}`, {
        field: key,
      });
    }
    return id;
  };
  return {
    bos: fields.index('bos_token_id'),
    visionStart: read('vision_start_token_id', 151_652),
    visionEnd: read('vision_end_token_id', 151_653),
    image: read('image_token_id', 151_655),
    video: read('video_token_id', 151_656),
  };
}

/** A checkpoint without a head is tied whatever its file says: re-saved files lose the flag (spec §2.2). */
function isHeadTied(root: CheckpointFields, text: CheckpointFields, shapes: MeasuredShapes): boolean {
  if (shapes.isKnown && !shapes.has('lm_head.weight')) return true;
  return root.flag('tie_word_embeddings') ?? text.flag('tie_word_embeddings') ?? false;
}
