import { setMaxListeners } from 'node:events';
import { type Request, ServingError } from '@tessera/domain';
import type { ResumingScheduler } from '../cell/resuming-scheduler.js';
import type { AnswerEvent } from '../cell/run-attempt.js';
import type { ResolvedMedia } from '../media/resolve-media.js';
import { createUpload, type UploadDeps } from './create-upload.js';

export interface GenerationDeps extends UploadDeps {
  readonly scheduler: ResumingScheduler;
}

export type Finished = Extract<AnswerEvent, { kind: 'finished' }>;
export type RunningEvent = Exclude<AnswerEvent, Finished>;

/**
 * Runs a request: yields what comes of it and returns how it finished. Pictures are uploaded beside, whenever the
 * scheduler asks. Throws a ServingError: the reason of `signal`, a picture's that is at fault, or the scheduler's.
 * Leaving early frees what the request holds.
 */
export async function* runGeneration(
  request: Request,
  media: readonly ResolvedMedia[],
  deps: GenerationDeps,
  signal: AbortSignal,
): AsyncGenerator<RunningEvent, Finished> {
  const end = new AbortController();
  const either = AbortSignal.any([signal, end.signal]);
  // One for every picture.
  setMaxListeners(0, either);
  const upload = createUpload(request, media, deps, either);
  try {
    for await (const event of deps.scheduler.generate(request, upload, signal)) {
      if (event.kind === 'finished') return event;
      yield event;
    }
    throw new ServingError('internal', 'the scheduler ended the stream of an unfinished request');
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    end.abort();
  }
}
