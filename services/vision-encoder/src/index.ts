export {
  createVisionEncoder,
  type RunningVisionEncoder,
  type VisionEncoderConfig,
  type VisionEncoderDeps,
  type VisionEncoderSnapshot,
} from './create-vision-encoder.js';
export { createMediaDecoderPool, type MediaDecoderPool } from './media/media-decoder-pool.js';
