import { on } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { type SerializedServingError, serializeError } from '@tessera/domain';
import { Checkpoint } from '../checkpoint/checkpoint.js';
import { encodeWeight } from '../weights/encode-weight.js';
import type { MatrixWeight } from '../weights/matrix-weight.js';

export interface EncodeWorkerData {
  readonly checkpointDir: string;
}

/** Blocks of bytes of each external tensor of a weight, in the order of `tensorsOf`. */
export type EncodedTensors = readonly (readonly ArrayBufferView[])[];

/** Answers to weights, in the order in which these came. */
export type EncodeReply = { readonly tensors: EncodedTensors } | { readonly error: SerializedServingError };

const port = parentPort!;
const opening = Checkpoint.open((workerData as EncodeWorkerData).checkpointDir);
// Whoever sends a weight learns why the folder cannot be opened.
opening.catch(() => {});

for await (const [weight] of on(port, 'message')) {
  try {
    const tensors = await encode(weight as MatrixWeight);
    const buffers = tensors.flat().map(({ buffer }) => buffer as ArrayBuffer);
    port.postMessage({ tensors } satisfies EncodeReply, buffers);
  } catch (error) {
    port.postMessage({ error: serializeError(error) } satisfies EncodeReply);
  }
}

async function encode(weight: MatrixWeight): Promise<EncodedTensors> {
  const tensors: ArrayBufferView[][] = [];
  for await (const blocks of encodeWeight(await opening, weight)) {
    const tensor: ArrayBufferView[] = [];
    for await (const block of blocks) tensor.push(block);
    tensors.push(tensor);
  }
  return tensors;
}
