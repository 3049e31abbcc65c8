export { canonicalTensorName } from './config/canonical-tensor-name.js';
export { type GenerationConfig, validateGenerationConfig } from './config/generation-config.js';
export type * from './config/model-config.js';
export { type ProcessorConfig, validateProcessorConfig } from './config/processor-config.js';
export { type QuantizationConfig, validateQuantization } from './config/quantization-config.js';
export { validateModelConfig } from './config/validate-model-config.js';
export { compositeOnWhite } from './image/composite-on-white.js';
export { applyExifOrientation, orientedSize } from './image/exif-orientation.js';
export { patchify, patchifyStill } from './image/patchify.js';
export { resizeBicubic } from './image/resize-bicubic.js';
export type { ImageSize, RgbaImage, RgbImage } from './image/rgb-image.js';
export { type PixelLimits, smartResize } from './image/smart-resize.js';
export { type CheckpointFiles, createProcessor, type Processor } from './processor.js';
export type {
  BuiltPrompt,
  PlacedVisual,
  PromptOptions,
} from './prompt/build-prompt.js';
export {
  type ChatTemplate,
  createChatTemplate,
  type TemplateMessage,
  type TemplateOptions,
} from './prompt/chat-template.js';
export { defaultChatTemplate } from './prompt/default-chat-template.js';
export { mropeAngles } from './prompt/mrope-angles.js';
export { mropePositions, type PromptRun } from './prompt/mrope-positions.js';
export type { PromptMessage, PromptPart } from './prompt/prompt-message.js';
export type { RotaryTables } from './rotary-frequencies.js';
export type { StreamDecoder } from './tokenizer/stream-decoder.js';
export { createTokenizer, type DecodeOptions, type Tokenizer } from './tokenizer/tokenizer.js';
export { type FrameRequest, type SelectedFrames, selectFrames } from './video/select-frames.js';
export { type VideoLimits, videoPixelLimits } from './video/video-pixel-limits.js';
export { visionRotaryAngles } from './vision/vision-rotary-angles.js';
export { type WindowOrder, windowOrder } from './vision/window-order.js';
export type { MeasuredVisual, VideoSource } from './visual/measured-visual.js';
