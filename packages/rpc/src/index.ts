export { attachEncoder } from './encoder/attach-encoder.js';
export { connectEmbeddingStore, type RemoteEmbeddingStore } from './encoder/connect-embedding-store.js';
export { connectVisionEncoder, type RemoteVisionEncoder } from './encoder/connect-vision-encoder.js';
export { type ServeVisionEncoderOptions, serveVisionEncoder } from './encoder/serve-vision-encoder.js';
export { createRpcServer, type RpcServer } from './grpc/rpc-server.js';
export type { RpcTls } from './grpc/rpc-tls.js';
export { connectScheduler, type RemoteScheduler } from './scheduler/connect-scheduler.js';
export { serveScheduler } from './scheduler/serve-scheduler.js';
