import { type EncoderFeed, embeddingKey, type VisionEncoder } from '@tessera/domain';
import { VisionEncoderService } from '@tessera/proto/encoder/v1';
import { encoderUpdateToProto } from '../convert/encoder-update.js';
import type { RpcServer } from '../grpc/rpc-server.js';
import type { EmbeddingLender } from './embedding-lender.js';
import { embeddingParts } from './embedding-parts.js';
import { receiveJob } from './receive-job.js';

/** An encoder as it is put behind a server, whose address becomes its own. */
export type ServedEncoder = VisionEncoder & EmbeddingLender & Omit<EncoderFeed, 'address'>;

export interface ServeVisionEncoderOptions {
  /** Largest source that is taken, in bytes. Default 64 MiB. */
  readonly maxSourceBytes?: number;
}

/**
 * Puts an encoder behind `server`. A gateway that cancels or goes away aborts the signal of its `encode`. Larger sources
 * are refused with `media_too_large` before their bytes are taken. An embedding is borrowed for as long as it is sent.
 */
export function serveVisionEncoder(
  server: RpcServer,
  encoder: ServedEncoder,
  { maxSourceBytes = 64 * 1024 * 1024 }: ServeVisionEncoderOptions = {},
): void {
  server.addService(VisionEncoderService, {
    async encode(requests, signal) {
      await encoder.encode(await receiveJob(requests, maxSourceBytes), signal);
      return {};
    },
    async *attach(_request, signal) {
      let isFirst = true;
      for await (const update of encoder.updates(signal)) {
        yield encoderUpdateToProto(update, isFirst ? encoder.description : undefined);
        isFirst = false;
      }
    },
    async *fetch(request) {
      const lent = encoder.lend(embeddingKey(request.embeddingKey));
      try {
        yield* embeddingParts(lent?.embedding);
      } finally {
        lent?.release();
      }
    },
  });
}
