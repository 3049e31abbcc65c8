import {
  attachEncoder,
  connectEmbeddingStore,
  connectVisionEncoder,
  createRpcServer,
  serveVisionEncoder,
} from '@tessera/rpc';
import { describeVisionEncoder } from '@tessera/testkit';
import { createVisionEncoder } from '@tessera/vision-encoder';

describeVisionEncoder('the encoder behind a wire', async ({ engine, decoders, cacheBytes }) => {
  const served = createVisionEncoder(
    { engine, decoders },
    {
      cacheBytes,
      batchPatches: 100,
      numDecoders: 2,
      maxDecodedBytes: 2 ** 20,
      maxQueuedJobs: 10,
      maxQueuedBytes: 2 ** 20,
    },
  );
  const server = createRpcServer();
  serveVisionEncoder(server, served, { maxSourceBytes: 2 ** 20 });
  const address = await server.listen('127.0.0.1:0');
  const attached = new AbortController();
  const encoder = connectVisionEncoder(address);
  const store = connectEmbeddingStore(address);
  return {
    encoder,
    store,
    feed: await attachEncoder(address, {}, attached.signal),
    async close() {
      attached.abort();
      encoder.close();
      store.close();
      served.close();
      await server.close(1_000);
    },
  };
});
