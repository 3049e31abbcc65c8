import { pagesFor, ServingError } from '@tessera/domain';
import type { TextConfig } from '@tessera/qwen2-5-vl';
import type { Workload } from './workload.js';

/** Times that a workload is run: once, or once more under a profiler. */
const maxMeasurements = 2;
/** Positions of a context that are computed at once. */
export const contextChunkLen = 512;
const pageLen = 16;

/** What a decoder needs to run a workload. */
export interface WorkloadCapacity {
  /** One more than the largest batch: prompts that are measured have a lane of their own. */
  readonly numLanes: number;
  readonly maxStepTokens: number;
  /** Pages for the longest sequence in every lane. */
  readonly kvCapacityTokens: number;
}

export function capacityFor(workload: Workload): WorkloadCapacity {
  const { batchSizes, prefillLens } = workload;
  const numLanes = Math.max(...batchSizes) + 1;
  const longest = Math.max(decodedLen(workload), ...prefillLens);
  return {
    numLanes,
    maxStepTokens: Math.max(numLanes, contextChunkLen, ...prefillLens),
    kvCapacityTokens: numLanes * pagesFor(longest, pageLen) * pageLen,
  };
}

/** Throws `invalid_option` for sequences longer than the model takes. */
export function assertWithinModel(workload: Workload, { maxPositionEmbeddings: limit }: TextConfig): void {
  const prompt = Math.max(...workload.prefillLens);
  if (prompt > limit) {
    throw new ServingError('invalid_option', `--prefill: ${prompt} tokens are above the model's limit, ${limit}.`, {
      option: '--prefill',
      limit,
      given: prompt,
    });
  }
  const { contextLen } = workload;
  const numDecoded = decodedLen(workload) - contextLen;
  if (contextLen + numDecoded <= limit) return;
  throw new ServingError(
    'invalid_option',
    `--context: ${contextLen} positions and ${numDecoded} decoded behind them are above the model's limit, ${limit}.`,
    { option: '--context', limit: Math.max(0, limit - numDecoded), given: contextLen },
  );
}

/** A refusal of the decoder in the words of the flags that size its KV cache here; any other error as it is. */
export function explainCapacity(cause: unknown, { numLanes, kvCapacityTokens }: WorkloadCapacity): unknown {
  if (!(cause instanceof ServingError) || cause.facts.option !== '--kv-cache-tokens') return cause;
  return new ServingError(
    'invalid_option',
    `There is no room for ${numLanes} sequences of ${kvCapacityTokens / numLanes} positions; ` +
      'smaller --batch, --context or --prefill take less.',
    { option: '--batch', given: kvCapacityTokens },
    { cause },
  );
}

/** Positions of the sequences that are decoded, each batch size with a step before the measured ones. */
function decodedLen({ contextLen, batchSizes, numRuns }: Workload): number {
  return contextLen + maxMeasurements * batchSizes.length * (numRuns + 1) + 1;
}
