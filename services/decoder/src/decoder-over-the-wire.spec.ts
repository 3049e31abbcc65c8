import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DecoderEngine, EmbeddingKey, StagedEmbedding } from '@tessera/domain';
import { connectRankGroup, createRpcServer, serveDecoderRank } from '@tessera/rpc';
import { createLogger } from '@tessera/runtime';
import { describeDecoderEngine, engineOfGroup, FakeRankEngine, fakeDescription } from '@tessera/testkit';
import { createDecoderRank } from './create-decoder-rank.js';

/** A rank behind gRPC and the group that leads it, as an engine that is given rows instead of where they are. */
async function createRemoteEngine(): Promise<DecoderEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-decoder-'));
  const engine = new FakeRankEngine({ maxStepTokens: 16, kvLayout: { ...fakeDescription.kvLayout, numPages: 24 } });
  const held = new Map<EmbeddingKey, StagedEmbedding>();
  const embeddings = () => ({ fetch: async (key: EmbeddingKey) => held.get(key) });
  const server = createRpcServer();
  const logger = createLogger({ name: 'rank', level: 'silent' });
  const identity = { groupId: 'g', rank: 0, engineDigest: 'digest' };
  serveDecoderRank(server, createDecoderRank({ engine, embeddings, logger }, identity));
  const address = await server.listen(`unix:${join(folder, 'rank')}`);
  const ranks = [{ address, meshAddress: engine.meshAddress }];
  const claim = { epoch: 1, leaderId: 'leader', session: 'session', silenceMs: 3000 };
  const group = await connectRankGroup({ groupId: 'g', ranks, ...claim }, new AbortController().signal);
  const put = (embedding: StagedEmbedding): string => {
    held.set(embedding.embeddingKey, embedding);
    return 'encoder';
  };
  return {
    ...engineOfGroup(group, put),
    close: async () => {
      await group.close();
      await server.close(1000);
      rmSync(folder, { recursive: true });
    },
  };
}

describeDecoderEngine('a rank behind gRPC', createRemoteEngine);
