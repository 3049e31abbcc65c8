import { type EmbeddingStore, type EncoderFeed, embeddingKey, type VisionEncoder } from '@tessera/domain';
import { VisionEncoderService } from '@tessera/proto/encoder/v1';
import { encoderUpdateToProto } from '../convert/encoder-update.js';
import type { RpcServer } from '../grpc/rpc-server.js';
import { embeddingParts } from './embedding-parts.js';
import { receiveJob } from './receive-job.js';

export interface ServeVisionEncoderOptions {
  /** Largest source that is taken, in bytes. Default 64 MiB. */
  readonly maxSourceBytes?: number;
}

/**
 * Puts an encoder behind `server`. A gateway that cancels or goes away aborts the signal of its `encode`. Larger sources
 * are refused with `media_too_large` before their bytes are taken.
 */
export function serveVisionEncoder(
  server: RpcServer,
  encoder: VisionEncoder & EmbeddingStore & EncoderFeed,
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
      yield* embeddingParts(await encoder.fetch(embeddingKey(request.embeddingKey)));
    },
  });
}
