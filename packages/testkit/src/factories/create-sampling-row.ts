import type { SamplingParams } from '@tessera/domain';
import { createSamplingParams } from './create-sampling-params.js';

/** The engine's `SamplingRow`. */
export interface FactorySamplingRow {
  readonly params: SamplingParams;
  readonly position: number;
  readonly numOutputTokens: number;
  readonly promptIds: ReadonlySet<number>;
  readonly outputCounts: ReadonlyMap<number, number>;
}

/** The row that chooses the first token after a prompt of three, greedily, but for what is given. */
export function createSamplingRow(given: Partial<FactorySamplingRow> = {}): FactorySamplingRow {
  return {
    params: createSamplingParams(),
    position: 3,
    numOutputTokens: 0,
    promptIds: new Set(),
    outputCounts: new Map(),
    ...given,
  };
}
