import './ort/disable-telemetry.js';

export type { AttentionInputs, AttentionShape, AttentionSpan, PagedAttention } from './attention/paged-attention.js';
export { PlainAttention } from './attention/plain-attention.js';
export type { AttentionCapacity } from './attention/wasm/kv-memory-plan.js';
export { WasmAttention } from './attention/wasm/wasm-attention.js';
export { type Collective, singleRank } from './collective/collective.js';
export { createLocalCollectives } from './collective/local-collective.js';
export { CpuDecoderRank } from './decoder/cpu-decoder-rank.js';
export type { AttentionKernelName, DecoderOptions } from './decoder/decoder-options.js';
export { LocalRankGroup } from './decoder/local-rank-group.js';
export { CpuEncoder, type VisionTaps } from './encoder/cpu-encoder.js';
export type { SessionOptions } from './ort/create-session.js';
export { onnxRuntimeVersion } from './ort/onnx-runtime-version.js';
export { readEngineMetadata } from './ort/read-engine-metadata.js';
export { type PrepareOptions, prepareEngine } from './prepare-engine.js';
export { createRandom } from './probe/seeded-random.js';
export { createDecoderEngine } from './worker/create-decoder-engine.js';
export { createEncoderEngine } from './worker/create-encoder-engine.js';
