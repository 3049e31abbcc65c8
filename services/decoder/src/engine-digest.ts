import { createHash } from 'node:crypto';
import type { EngineManifest } from '@tessera/onnx-graph';

/**
 * SHA-256 of what an engine computes with: checkpoint, options, and the digest of every graph and weight file. Ranks of
 * two engines never run one plan. What was probed of the machine is no part of it.
 */
export function engineDigest({ modelRevision, options, files }: EngineManifest): string {
  const digests = files.map(({ path, sha256 }) => `${path} ${sha256}`).sort();
  return createHash('sha256')
    .update(JSON.stringify([modelRevision, options, digests]))
    .digest('hex');
}
