import { greedySampling, type SamplingParams } from '@tessera/domain';

/** Greedy sampling, but for what is given. */
export function createSamplingParams(given: Partial<SamplingParams> = {}): SamplingParams {
  return { ...greedySampling, ...given };
}
