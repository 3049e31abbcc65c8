import { type EncodeJob, type Request, ServingError, type VisionEncoder, type VisualSegment } from '@tessera/domain';
import type { Logger } from '@tessera/runtime';
import { Patience } from '../cell/patience.js';
import type { Upload } from '../cell/run-attempt.js';
import type { ResolvedMedia } from '../media/resolve-media.js';

export interface UploadDeps {
  /** The encoder at the address that `encodeHere` names. */
  readonly encoders: (address: string) => VisionEncoder;
  readonly logger: Logger;
}

/** A scheduler misses an encoder that is gone within 15 s and asks for the upload elsewhere; this takes longer. */
const patienceMs = 20_000;

/**
 * Uploads the pictures of a request, until `signal` aborts. One that an encoder loses or is too full for is made again
 * with the same ticket, since the scheduler need not know of it. Rejects with the error of a picture that is at fault,
 * naming its part, and with one of code UNAVAILABLE when an upload does not succeed in time: where the request is
 * submitted anew, other encoders may be there.
 */
export function createUpload(
  request: Request,
  media: readonly ResolvedMedia[],
  { encoders, logger }: UploadDeps,
  signal: AbortSignal,
): Upload {
  return async ({ mediaIndex, encoderAddress, ticket }, wanted) => {
    const job = jobOf(request, mediaIndex, ticket);
    const { source, part } = media[mediaIndex]!;
    const patience = new Patience({ resumeMs: patienceMs, deadlineMs: request.deadlineMs });
    for (;;) {
      const bytes = await source.read();
      try {
        return await encoders(encoderAddress).encode({ ...job, source: bytes }, signal);
      } catch (error) {
        wanted.throwIfAborted();
        const lost = lossOf(error, encoderAddress);
        if (lost === undefined) throw naming(part.field, error);
        logger.warn({ err: error, encoder: encoderAddress, ticket }, 'an upload was lost');
        await patience.pauseAfter(lost, wanted, pauseAskedMs(lost));
      }
    }
  };
}

function jobOf(request: Request, mediaIndex: number, ticket: string): Omit<EncodeJob, 'source'> {
  const { embeddingKey, kind, grid, processing } = visualOf(request, mediaIndex);
  return { ticket, tenant: request.tenant, embeddingKey, kind, grid, processing };
}

function visualOf({ segments, requestId }: Request, mediaIndex: number): VisualSegment {
  for (const segment of segments) if (segment.kind !== 'text' && segment.mediaIndex === mediaIndex) return segment;
  throw new Error(`the scheduler asked for visual ${mediaIndex}, which request ${requestId} does not have`);
}

/** What the attempt ends with if this goes on; undefined when it is not the encoder that failed but the upload. */
function lossOf(error: unknown, encoderAddress: string): ServingError | undefined {
  if (!(error instanceof ServingError)) return undefined;
  if (error.code === 'UNAVAILABLE') return error;
  if (error.reason !== 'queue_full') return undefined;
  const message = `the encoder ${encoderAddress} takes no more pictures`;
  return new ServingError(
    'worker_failed',
    message,
    { retryAfterSeconds: error.facts.retryAfterSeconds },
    { cause: error },
  );
}

function pauseAskedMs({ facts: { retryAfterSeconds } }: ServingError): number {
  return typeof retryAfterSeconds === 'number' ? retryAfterSeconds * 1000 : 0;
}

/** A media error says which part it is about. */
function naming(field: string, error: unknown): unknown {
  if (!(error instanceof ServingError) || !/^(media_|unsupported_media)/.test(error.reason)) return error;
  return new ServingError(error.reason, `${field}: ${error.message}`, { ...error.facts, field }, { cause: error });
}
