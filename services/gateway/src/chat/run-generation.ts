import {
  type Request,
  type Scheduler,
  type SchedulerEvent,
  ServingError,
  type VisionEncoder,
  type VisualSegment,
} from '@tessera/domain';
import type { Logger } from '@tessera/runtime';
import type { ResolvedMedia } from '../media/resolve-media.js';

export interface GenerationDeps {
  readonly scheduler: Scheduler;
  /** The encoder at the address that `encodeHere` names. */
  readonly encoders: (address: string) => VisionEncoder;
  readonly logger: Logger;
}

export type Finished = Extract<SchedulerEvent, { kind: 'finished' }>;
export type RunningEvent = Extract<SchedulerEvent, { kind: 'started' | 'tokens' }>;
type EncodeHere = Extract<SchedulerEvent, { kind: 'encodeHere' }>;

/**
 * Runs a request: yields what comes of it and returns how it finished. Pictures are uploaded beside, whenever the
 * scheduler asks; one that is at fault fails the request, naming the part, and an encoder that dies does not: the
 * scheduler will ask again. Throws a ServingError: the upload's, the reason of `signal`, or the scheduler's. Leaving
 * early frees what the request holds.
 */
export async function* runGeneration(
  request: Request,
  media: readonly ResolvedMedia[],
  deps: GenerationDeps,
  signal: AbortSignal,
): AsyncGenerator<RunningEvent, Finished> {
  const uploads = new AbortController();
  const either = AbortSignal.any([signal, uploads.signal]);
  try {
    for await (const event of deps.scheduler.generate(request, either)) {
      if (event.kind === 'finished') return event;
      if (event.kind !== 'encodeHere') yield event;
      else upload(event, request, media, deps, either).catch((error: unknown) => uploads.abort(error));
    }
    throw new ServingError('internal', 'the scheduler ended the stream of an unfinished request');
  } catch (error) {
    throw either.aborted ? either.reason : error;
  } finally {
    uploads.abort(new ServingError('cancelled', 'the request ended'));
  }
}

async function upload(
  { mediaIndex, encoderAddress, ticket }: EncodeHere,
  request: Request,
  media: readonly ResolvedMedia[],
  { encoders, logger }: GenerationDeps,
  signal: AbortSignal,
): Promise<void> {
  const { embeddingKey, kind, grid, processing } = visualOf(request, mediaIndex);
  const { source: kept, part } = media[mediaIndex]!;
  const source = await kept.read();
  try {
    const { tenant } = request;
    await encoders(encoderAddress).encode({ ticket, tenant, embeddingKey, kind, grid, processing, source }, signal);
  } catch (error) {
    if (!isLost(error)) throw naming(part.field, error);
    logger.warn({ err: error, encoder: encoderAddress, ticket }, 'an upload was lost');
  }
}

function visualOf({ segments, requestId }: Request, mediaIndex: number): VisualSegment {
  for (const segment of segments) if (segment.kind !== 'text' && segment.mediaIndex === mediaIndex) return segment;
  throw new Error(`the scheduler asked for visual ${mediaIndex}, which request ${requestId} does not have`);
}

/** Whether the encoder failed rather than the upload: the scheduler notices too, and asks for it at another one. */
function isLost(error: unknown): boolean {
  return error instanceof ServingError && error.code === 'UNAVAILABLE';
}

/** A media error says which part it is about. */
function naming(field: string, error: unknown): unknown {
  if (!(error instanceof ServingError) || !/^(media_|unsupported_media)/.test(error.reason)) return error;
  return new ServingError(error.reason, `${field}: ${error.message}`, { ...error.facts, field }, { cause: error });
}
