import type { EmbeddingStore } from '@tessera/domain';
import { VisionEncoderService } from '@tessera/proto/encoder/v1';
import { RpcClient } from '../grpc/rpc-client.js';
import type { RpcTls } from '../grpc/rpc-tls.js';
import { receiveEmbedding } from './receive-embedding.js';

/** Longer than any embedding takes: one that hangs would hold a whole rank group. */
const fetchDeadlineMs = 30_000;

export type RemoteEmbeddingStore = EmbeddingStore & { close(): void };

/** The embeddings of the encoder at `address`. One that is lost or too slow throws `worker_failed`. */
export function connectEmbeddingStore(
  address: string,
  { tls }: { readonly tls?: RpcTls | undefined } = {},
): RemoteEmbeddingStore {
  const client = new RpcClient({ address, lostReason: 'worker_failed' }, tls);
  return {
    fetch: (embeddingKey) => {
      const parts = client.serverStream(
        VisionEncoderService.method.fetch,
        { embeddingKey },
        { deadlineMs: fetchDeadlineMs },
      );
      return receiveEmbedding(embeddingKey, parts);
    },
    close: () => client.close(),
  };
}
