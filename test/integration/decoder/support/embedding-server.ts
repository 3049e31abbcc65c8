import type { EmbeddingKey, StagedEmbedding } from '@tessera/domain';
import { createRpcServer, serveVisionEncoder } from '@tessera/rpc';

/** An encoder's cache behind gRPC, without an encoder: what a test puts there can be fetched. */
export interface EmbeddingServer {
  readonly address: string;
  /** Returns the address where it is held. */
  put(embedding: StagedEmbedding): string;
  close(): Promise<void>;
}

export async function startEmbeddingServer(hiddenSize: number): Promise<EmbeddingServer> {
  const held = new Map<EmbeddingKey, StagedEmbedding>();
  const server = createRpcServer();
  serveVisionEncoder(
    server,
    {
      description: { modelRevision: 'any', hiddenSize, cacheBytes: 0 },
      encode: () => Promise.reject(new Error('Nothing is encoded here.')),
      async *updates() {},
      lend: (key) => {
        const embedding = held.get(key);
        return embedding && { embedding, release: () => {} };
      },
    },
    { maxSourceBytes: 1 },
  );
  const address = await server.listen('127.0.0.1:0');
  return {
    address,
    put: (embedding) => {
      held.set(embedding.embeddingKey, embedding);
      return address;
    },
    close: () => server.close(1000),
  };
}
