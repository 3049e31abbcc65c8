import {
  type Request,
  type SampledToken,
  type Scheduler,
  type SchedulerEvent,
  ServingError,
  type VisionEncoder,
} from '@tessera/domain';
import type { ResolvedMedia } from '../media/resolve-media.js';

export interface GenerationDeps {
  readonly scheduler: Scheduler;
  readonly encoders: ReadonlyMap<string, VisionEncoder>;
}

export type Finished = Extract<SchedulerEvent, { kind: 'finished' }>;
type EncodeHere = Extract<SchedulerEvent, { kind: 'encodeHere' }>;

/**
 * Runs a request: yields its tokens as they come and returns how it finished. Pictures are uploaded beside, whenever the
 * scheduler asks; a failing upload fails the request, naming the part. Throws a ServingError: the upload's, the reason of
 * `signal`, or the scheduler's. Leaving early frees what the request holds.
 */
export async function* runGeneration(
  request: Request,
  media: readonly ResolvedMedia[],
  deps: GenerationDeps,
  signal: AbortSignal,
): AsyncGenerator<readonly SampledToken[], Finished> {
  const uploads = new AbortController();
  const either = AbortSignal.any([signal, uploads.signal]);
  try {
    for await (const event of deps.scheduler.generate(request, either)) {
      if (event.kind === 'finished') return event;
      if (event.kind === 'tokens') yield event.tokens;
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
  { encoders }: GenerationDeps,
  signal: AbortSignal,
): Promise<void> {
  const segment = request.segments.find(
    (candidate) => candidate.kind !== 'text' && candidate.mediaIndex === mediaIndex,
  );
  const encoder = encoders.get(encoderAddress);
  const visual = media[mediaIndex];
  if (encoder === undefined || visual === undefined || segment === undefined || segment.kind === 'text') {
    throw new ServingError(
      'worker_failed',
      `the scheduler asked for visual ${mediaIndex} at unknown encoder ${encoderAddress}`,
    );
  }
  const { embeddingKey, kind, grid, processing } = segment;
  const source = await visual.source.read();
  try {
    await encoder.encode({ ticket, embeddingKey, kind, grid, processing, source }, signal);
  } catch (error) {
    throw naming(visual.part.field, error);
  }
}

/** A media error says which part it is about. */
function naming(field: string, error: unknown): unknown {
  if (!(error instanceof ServingError) || !/^(media_|unsupported_media)/.test(error.reason)) return error;
  return new ServingError(error.reason, `${field}: ${error.message}`, { ...error.facts, field }, { cause: error });
}
