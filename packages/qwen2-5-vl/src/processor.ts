import { ServingError } from '@tessera/domain';
import { CheckpointFields } from './config/checkpoint-fields.js';
import { type GenerationConfig, validateGenerationConfig } from './config/generation-config.js';
import type { ModelConfig, TensorShapes } from './config/model-config.js';
import { type ProcessorConfig, validateProcessorConfig } from './config/processor-config.js';
import { validateModelConfig } from './config/validate-model-config.js';
import type { ImageSize } from './image/rgb-image.js';
import type { PixelLimits } from './image/smart-resize.js';
import { type BuiltPrompt, createPromptBuilder, type PromptOptions } from './prompt/build-prompt.js';
import { createChatTemplate } from './prompt/chat-template.js';
import type { PromptMessage } from './prompt/prompt-message.js';
import { createTokenizer, type Tokenizer } from './tokenizer/tokenizer.js';
import { type MeasuredVisual, measureImage, measureVideo, type VideoSource } from './visual/measured-visual.js';

/** A checkpoint's files as parsed JSON; absent ones are undefined. */
export interface CheckpointFiles {
  readonly config: unknown;
  readonly tokenizer: unknown;
  readonly tokenizerConfig?: unknown;
  /** `chat_template.json`. */
  readonly chatTemplate?: unknown;
  /** Text of `chat_template.jinja`, which goes before the other two places of a template. */
  readonly chatTemplateJinja?: string | undefined;
  readonly generationConfig?: unknown;
  readonly preprocessorConfig?: unknown;
  readonly tensorShapes?: TensorShapes | undefined;
}

/** Everything between a conversation and the decoder's integers, for one checkpoint. */
export interface Processor {
  /** What it was created from: with them, which can be cloned, another thread creates its equal. */
  readonly files: CheckpointFiles;
  readonly config: ModelConfig;
  readonly processing: ProcessorConfig;
  readonly generation: GenerationConfig;
  readonly tokenizer: Tokenizer;
  /**
   * Size, grid and exact token count of a picture from its upright size alone; `limits` replace the checkpoint's.
   * Throws ServingError `media_aspect_ratio` or `invalid_field`.
   */
  measureImage(size: ImageSize, limits?: Partial<PixelLimits>): MeasuredVisual;
  /** The same for selected frames of a video. */
  measureVideo(source: VideoSource): MeasuredVisual;
  /** Throws ServingError `invalid_field` when the template refuses the messages. */
  buildPrompt(messages: readonly PromptMessage[], options?: PromptOptions): BuiltPrompt;
}

/** Throws ServingError `unsupported_model_type` or `checkpoint_invalid`, which names the file and the field. */
export function createProcessor(files: CheckpointFiles): Processor {
  const config = validateModelConfig(files.config, files.tensorShapes);
  const processing = validateProcessorConfig(files.preprocessorConfig, config.vision);
  const tokenizer = createTokenizer(files.tokenizer, files.tokenizerConfig);
  assertSpecialTokens(config, tokenizer);
  const tokenizerConfig = new CheckpointFields(files.tokenizerConfig ?? {}, 'tokenizer_config.json');
  const template = createChatTemplate(templateSource(files, tokenizerConfig), templateVariables(tokenizerConfig));
  return {
    files,
    config,
    processing,
    generation: validateGenerationConfig(files.generationConfig, files.config),
    tokenizer,
    measureImage: (size, limits) => measureImage(size, processing, limits),
    measureVideo: (source) => measureVideo(source, processing),
    buildPrompt: createPromptBuilder({ config, tokenizer, template }),
  };
}

/** `chat_template.jinja`, then `chat_template.json`, then the tokenizer's own, or its one named `default`. */
function templateSource(files: CheckpointFiles, tokenizerConfig: CheckpointFields): string | undefined {
  if (files.chatTemplateJinja !== undefined) return files.chatTemplateJinja;
  const own = new CheckpointFields(files.chatTemplate ?? {}, 'chat_template.json').text('chat_template');
  if (own !== undefined) return own;
  const named = tokenizerConfig.raw('chat_template');
  if (!Array.isArray(named)) return tokenizerConfig.text('chat_template');
  return named
    .map((entry) => new CheckpointFields(entry, tokenizerConfig.name('chat_template')))
    .find((entry) => entry.text('name') === 'default')
    ?.text('template');
}

/** Special tokens by role, which some templates write: a string, or an object with its text as `content`. */
function templateVariables(tokenizerConfig: CheckpointFields): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const name of ['bos_token', 'eos_token', 'pad_token', 'unk_token']) {
    const value = tokenizerConfig.raw(name);
    const text = typeof value === 'object' ? tokenizerConfig.section(name)?.text('content') : value;
    if (typeof text === 'string') variables[name] = text;
  }
  return variables;
}

/** A prompt is split at the tokens that the tokenizer calls special, so the placeholders must be among them. */
function assertSpecialTokens(config: ModelConfig, tokenizer: Tokenizer): void {
  const known = new Set(tokenizer.specialTokens.values());
  const { visionStart, visionEnd, image, video } = config.specialTokens;
  for (const [field, id] of Object.entries({
    vision_start_token_id: visionStart,
    vision_end_token_id: visionEnd,
    image_token_id: image,
    video_token_id: video,
  })) {
    if (known.has(id)) continue;
    throw new ServingError('checkpoint_invalid', `config.json: ${field} is ${id}, no special token of tokenizer.json`, {
      field,
    });
  }
  if (tokenizer.numTokens > config.text.vocabSize) {
    throw new ServingError(
      'checkpoint_invalid',
      `tokenizer.json has ${tokenizer.numTokens} tokens, the embedding table only ${config.text.vocabSize}`,
    );
  }
}
