export { type DecoderConfig, decoderConfigSchema } from './config.js';
export { createDecoderRank, type DecoderRankDeps, type DecoderRankIdentity } from './create-decoder-rank.js';
export { createLocalEngine, localMeshAddress } from './engine/create-local-engine.js';
export { createMeshEngine, type MeshWorkerData } from './engine/create-mesh-engine.js';
export type { GroupSession, RankEngine } from './engine/rank-engine.js';
export { engineDigest } from './engine-digest.js';
export { type DecoderProcessDeps, type StartedDecoder, startDecoder } from './start-decoder.js';
