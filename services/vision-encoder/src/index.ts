export { type VisionEncoderConfig, visionEncoderConfigSchema } from './config.js';
export {
  createVisionEncoder,
  type EncoderObserver,
  type RunningVisionEncoder,
  type VisionEncoderDeps,
  type VisionEncoderOptions,
  type VisionEncoderSnapshot,
} from './create-vision-encoder.js';
export type { PipelineLimits } from './encode/encode-pipeline.js';
export type { EncodedBatch } from './encode/tower.js';
export { createEncoderMetrics, type EncoderMetrics } from './encoder-metrics.js';
export { createMediaDecoderPool, type MediaDecoderOptions, type MediaDecoderPool } from './media/media-decoder-pool.js';
export {
  type StartedVisionEncoder,
  startVisionEncoder,
  type VisionEncoderProcessDeps,
} from './start-vision-encoder.js';
