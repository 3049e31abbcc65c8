import { createHash } from 'node:crypto';
import { type EmbeddingKey, embeddingKey } from '@tessera/domain';
import type { MeasuredVisual } from '@tessera/qwen2-5-vl';

/** Who asks, and of which model: what keeps equal pictures of different tenants apart (architecture §3.7). */
export interface KeySalt {
  readonly tenant: string;
  /** The server's secret and the salt that the client asked for. */
  readonly salt: string;
  readonly modelRevision: string;
}

/** The key of a picture's embedding: a 256-bit digest over salt, bytes, grid and size, so that only its equal is found under it. */
export function embeddingKeyOf(visual: MeasuredVisual, mediaSha256: string, salt: KeySalt): EmbeddingKey {
  const { kind, grid, resized } = visual;
  const content = [
    [salt.tenant, salt.salt, salt.modelRevision],
    [kind, mediaSha256],
    [grid.t, grid.h, grid.w],
    [resized.height, resized.width],
  ];
  return embeddingKey(createHash('sha256').update(JSON.stringify(content)).digest('hex'));
}
