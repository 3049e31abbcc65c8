import type { MessageInitShape } from '@bufbuild/protobuf';
import type { EncodeJob, VisionEncoder } from '@tessera/domain';
import { type EncodeRequestSchema, VisionEncoderService } from '@tessera/proto/encoder/v1';
import { encodeJobToProto } from '../convert/encode-job.js';
import { RpcClient } from '../grpc/rpc-client.js';
import type { RpcTls } from '../grpc/rpc-tls.js';
import { slicesOf } from './slices.js';

/** Serialising a part is one turn of the gateway's event loop: small beside 1 MiB, and its clients' tokens go between. */
const partBytes = 256 * 1024;

export type RemoteVisionEncoder = VisionEncoder & { close(): void };

/** Uploads to the encoder at `address`. One that is lost throws `worker_failed`, code UNAVAILABLE. */
export function connectVisionEncoder(
  address: string,
  { tls }: { readonly tls?: RpcTls | undefined } = {},
): RemoteVisionEncoder {
  const client = new RpcClient({ address, lostReason: 'worker_failed' }, tls);
  return {
    encode: async (job, signal) => {
      await client.clientStream(VisionEncoderService.method.encode, uploadParts(job), { signal });
    },
    close: () => client.close(),
  };
}

function* uploadParts(job: EncodeJob): Generator<MessageInitShape<typeof EncodeRequestSchema>> {
  yield { part: { case: 'job', value: encodeJobToProto(job) } };
  for (const value of slicesOf(job.source, partBytes)) yield { part: { case: 'data', value } };
}
