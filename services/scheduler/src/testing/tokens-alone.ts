import type { Request, VisualSegment } from '@tessera/domain';
import { createFakeEmbedding, EngineDriver, FakeDecoderEngine } from '@tessera/testkit';

/** What a request gives when it runs alone, up to its stop token; resumed tokens are left out. */
export async function tokensAlone(request: Request): Promise<number[]> {
  const engine = new FakeDecoderEngine({ maxStepTokens: 64 });
  const segments = request.segments.filter((segment): segment is VisualSegment => segment.kind !== 'text');
  for (const { embeddingKey, length } of segments) await engine.stage(createFakeEmbedding(embeddingKey, length, 4));
  const { tokenIds, positions, sampling, maxTokens, stopTokenIds, resumeTokens } = request;
  const visuals = segments.map(({ embeddingKey, offset, length }) => ({ embeddingKey, offset, length }));
  const admitted = { tokenIds, positions, sampling, visuals };
  const [driven] = await new EngineDriver(engine).run({ admitted, numTokens: maxTokens });
  const tokens = driven?.tokens.map(({ tokenId }) => tokenId) ?? [];
  const stop = tokens.findIndex((tokenId) => stopTokenIds.includes(tokenId));
  return tokens.slice(resumeTokens.length, stop < 0 ? undefined : stop + 1);
}
