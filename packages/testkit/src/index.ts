export type { ContractBus } from './contracts/contract-bus.js';
export * from './contracts/contract-directory.js';
export * from './contracts/contract-kernel.js';
export { describeBus } from './contracts/describe-bus.js';
export { describeDecoderEngine } from './contracts/describe-decoder-engine.js';
export { describePageDirectory } from './contracts/describe-page-directory.js';
export { describePagedAttention } from './contracts/describe-paged-attention.js';
export {
  describeVisionEncoder,
  type VisionEncoderParts,
  type VisionEncoderWorld,
} from './contracts/describe-vision-encoder.js';
export { type DrivenOutput, type DrivenSequence, EngineDriver } from './contracts/engine-driver.js';
export { engineOfGroup } from './contracts/engine-of-group.js';
export { readUntil } from './contracts/read-until.js';
export { createEncodeJob } from './factories/create-encode-job.js';
export { createRequest, createVisualRequest, placeholderId, positionsOf } from './factories/create-request.js';
export { createSamplingParams } from './factories/create-sampling-params.js';
export { createSamplingRow } from './factories/create-sampling-row.js';
export {
  createAdmittedSequence,
  createStepPlan,
  decodeChunk,
  explicitChunk,
  knownChunk,
  pageIds,
} from './factories/create-step-plan.js';
export { createVisualSegment } from './factories/create-visual-segment.js';
export { FakeDecoderEngine, fakeDescription } from './fakes/fake-decoder-engine.js';
export { createFakeEmbedding } from './fakes/fake-embedding.js';
export { FakeEmbeddingStore } from './fakes/fake-embedding-store.js';
export { FakeEncoderEngine } from './fakes/fake-encoder-engine.js';
export { FakeEncoderFeed } from './fakes/fake-encoder-feed.js';
export { FakeMediaDecoders } from './fakes/fake-media-decoders.js';
export { FakeRankEngine } from './fakes/fake-rank-engine.js';
export { FakeRankGroup, type FakeRankGroupOptions } from './fakes/fake-rank-group.js';
export type { Gate } from './fakes/gate.js';
export { SeededRandom } from './seeded-random.js';
export { type Certificates, createCertificates } from './servers/create-certificates.js';
export { startNats } from './servers/start-nats.js';
export { startRedis } from './servers/start-redis.js';
export type { TestServer } from './servers/test-server.js';
