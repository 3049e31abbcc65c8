import type { RankDescription } from '../decoder/description.js';

/** A rank of a tiny decoder, but for what is given. */
export function createDescription(given: Partial<RankDescription> = {}): RankDescription {
  return {
    modelRevision: 'revision',
    engineDigest: 'digest',
    numRanks: 2,
    numLanes: 4,
    maxContextLen: 48,
    maxStepTokens: 8,
    vocabSize: 32,
    hiddenSize: 4,
    kvLayout: { dtype: 'float32', pageLen: 4, numPages: 16, layersPerMemory: 1 },
    isRowInvariant: true,
    ...given,
  };
}
