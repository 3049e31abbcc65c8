import type { EmbeddingStore } from '@tessera/domain';
import { connectEmbeddingStore, type RemoteEmbeddingStore, type RpcTls } from '@tessera/rpc';

/** Connections to the encoders that were asked last. */
export interface EmbeddingStores {
  at(address: string): EmbeddingStore;
  close(): void;
}

/** More encoders than a cell has; beyond it are those that were started again elsewhere. */
const maxStores = 32;

export function createEmbeddingStores(tls: RpcTls | undefined): EmbeddingStores {
  const stores = new Map<string, RemoteEmbeddingStore>();
  const closeOldest = (): void => {
    const [oldest] = stores;
    oldest[1].close();
    stores.delete(oldest[0]);
  };
  return {
    at(address) {
      const store = stores.get(address) ?? connectEmbeddingStore(address, { tls });
      stores.delete(address);
      stores.set(address, store);
      if (stores.size > maxStores) closeOldest();
      return store;
    },
    close() {
      while (stores.size > 0) closeOldest();
    },
  };
}
