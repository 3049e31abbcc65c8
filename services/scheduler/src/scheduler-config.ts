import type { AdmissionLimits } from './admission.js';

/** How a scheduler plans, and what may wait. */
export interface SchedulerConfig extends AdmissionLimits {
  /** Plan step n + 1 while step n runs. */
  readonly isOverlapped: boolean;
  /** Visual tokens that a rank group keeps staged at once. */
  readonly stagingTokens: number;
  /** Patches of unfinished jobs that an encoder is given at a time. */
  readonly maxEncoderPatches: number;
}

export const defaultSchedulerConfig: SchedulerConfig = {
  isOverlapped: true,
  stagingTokens: 65_536,
  maxEncoderPatches: 16_384,
  maxWaitingRequests: 1024,
  maxWaitingTokens: 8_000_000,
  maxWaitingPatches: 8_000_000,
  maxWaitingBytes: 2 ** 32,
};
