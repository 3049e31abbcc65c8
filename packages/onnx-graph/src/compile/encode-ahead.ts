import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { encodeWeight } from '../weights/encode-weight.js';
import type { MatrixWeight } from '../weights/matrix-weight.js';
import type { EncodeThread } from './encode-thread.js';

type Blocks = AsyncIterable<ArrayBufferView> | Iterable<ArrayBufferView>;

/** A weight with the data of its external tensors, each to be read to its end in turn. */
export interface EncodedWeight {
  readonly weight: MatrixWeight;
  readonly tensors: AsyncIterable<Blocks> | Iterable<Blocks>;
}

/**
 * Weights in the order given. Quantised ones are encoded on the threads, one a thread and one more ahead of their turn,
 * so that at most that many are in memory; fp32 ones, which only need reading, block by block when it is their turn.
 */
export async function* encodeAhead(
  checkpoint: Checkpoint,
  weights: readonly MatrixWeight[],
  threads: readonly EncodeThread[],
): AsyncGenerator<EncodedWeight> {
  const quantised = weights.filter(isQuantised);
  const started: Promise<EncodedWeight['tensors']>[] = [];
  let numStarted = 0;
  for (const weight of weights) {
    if (!isQuantised(weight)) {
      yield { weight, tensors: encodeWeight(checkpoint, weight) };
      continue;
    }
    while (started.length <= threads.length && numStarted < quantised.length) {
      const encoding = threads[numStarted % threads.length].encode(quantised[numStarted]);
      // It is awaited when its turn comes, if ever.
      encoding.catch(() => {});
      started.push(encoding);
      numStarted++;
    }
    yield { weight, tensors: await (started.shift() as (typeof started)[number]) };
  }
}

export function isQuantised({ form }: MatrixWeight): boolean {
  return form.kind !== 'fp32';
}
