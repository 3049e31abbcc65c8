export { connectRankGroup, type RankAddress, type RankGroupOptions } from './decoder/connect-rank-group.js';
export { type DescribeRankOptions, describeRank } from './decoder/describe-rank.js';
export type { RankDescription } from './decoder/description.js';
export type { LeaderStream, RankClaim, RankHost, RankLease, RankStatus } from './decoder/rank-host.js';
export { serveDecoderRank } from './decoder/serve-decoder-rank.js';
export type { StepPatience } from './decoder/step-prediction.js';
export { attachEncoder } from './encoder/attach-encoder.js';
export { connectEmbeddingStore, type RemoteEmbeddingStore } from './encoder/connect-embedding-store.js';
export { connectVisionEncoder, type RemoteVisionEncoder } from './encoder/connect-vision-encoder.js';
export type { EmbeddingLender, LentEmbedding } from './encoder/embedding-lender.js';
export {
  type ServedEncoder,
  type ServeVisionEncoderOptions,
  serveVisionEncoder,
} from './encoder/serve-vision-encoder.js';
export { advertisedAddress } from './grpc/advertised-address.js';
export { createRpcServer, type RpcServer } from './grpc/rpc-server.js';
export type { RpcTls } from './grpc/rpc-tls.js';
export { createMesh, type Mesh, type MeshMeeting, type MeshOptions } from './mesh/create-mesh.js';
export type { MeshCollective } from './mesh/mesh-collective.js';
export { connectScheduler, type RemoteScheduler } from './scheduler/connect-scheduler.js';
export { serveScheduler } from './scheduler/serve-scheduler.js';
