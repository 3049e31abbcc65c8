import type { EncoderFeed, EncoderUpdate, VisionEncoderDescription } from '@tessera/domain';
import { VisionEncoderService } from '@tessera/proto/encoder/v1';
import { encoderDescriptionFromProto, encoderUpdateFromProto } from '../convert/encoder-update.js';
import { lostError, type Peer } from '../grpc/call-error.js';
import { RpcClient } from '../grpc/rpc-client.js';
import type { RpcTls } from '../grpc/rpc-tls.js';

const { attach } = VisionEncoderService.method;

/**
 * The encoder at `address` as the scheduler sees it, until `signal` aborts. Throws `worker_failed` when nobody answers
 * there. It holds a connection only while somebody listens.
 *
 * `updates` throws it when the encoder is lost, or when another one has taken its address; it ends when a signal aborts
 * or the encoder says that it is done.
 */
export async function attachEncoder(
  address: string,
  { tls }: { readonly tls?: RpcTls | undefined },
  signal: AbortSignal,
): Promise<EncoderFeed> {
  const peer: Peer = { address, lostReason: 'worker_failed' };
  const description = await describeEncoder(peer, tls, signal);
  return {
    address,
    description,
    updates: (listening) => listen(peer, tls, description, AbortSignal.any([listening, signal])),
  };
}

async function describeEncoder(
  peer: Peer,
  tls: RpcTls | undefined,
  signal: AbortSignal,
): Promise<VisionEncoderDescription> {
  for await (const first of receiveUpdates(peer, tls, signal)) return encoderDescriptionFromProto(first);
  throw lostError(peer, 'ended before its first update');
}

async function* listen(
  peer: Peer,
  tls: RpcTls | undefined,
  description: VisionEncoderDescription,
  signal: AbortSignal,
): AsyncGenerator<EncoderUpdate, void> {
  let isFirst = true;
  try {
    for await (const update of receiveUpdates(peer, tls, signal)) {
      if (isFirst) assertSame(encoderDescriptionFromProto(update), description, peer);
      isFirst = false;
      yield encoderUpdateFromProto(update);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Over a connection of its own. */
async function* receiveUpdates(peer: Peer, tls: RpcTls | undefined, signal: AbortSignal) {
  const client = new RpcClient(peer, tls);
  try {
    yield* client.serverStream(attach, {}, { signal });
  } finally {
    client.close();
  }
}

function assertSame(found: VisionEncoderDescription, attached: VisionEncoderDescription, peer: Peer): void {
  for (const name of ['modelRevision', 'hiddenSize', 'cacheBytes'] as const) {
    if (found[name] === attached[name]) continue;
    throw lostError(peer, `is another encoder now: ${name} is ${found[name]}, was ${attached[name]}`);
  }
}
