import type { Request, SchedulerEvent } from '@tessera/domain';
import type { Leader } from './cell.js';

/** A scheduler asks for the upload of a picture to an encoder. */
export type UploadOrder = Extract<SchedulerEvent, { kind: 'encodeHere' }>;
/** What comes of a request but for the uploads that it takes. */
export type AnswerEvent = Exclude<SchedulerEvent, UploadOrder>;

/**
 * Makes an upload, again and again if need be, while `wanted` does not abort: the attempt has ended, or the scheduler
 * asks for the same picture at another encoder. Rejects with what the attempt is to end with.
 */
export type Upload = (order: UploadOrder, wanted: AbortSignal) => Promise<void>;

/**
 * Submits a request to a leader once, with the uploads that it asks for beside. Throws what either fails with, or the
 * reason why the leader was deposed. Leaders outlive requests, so nothing of a request stays with their signals.
 */
export async function* runAttempt(
  { scheduler, deposed }: Leader,
  attempt: Request,
  upload: Upload,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  deposed.throwIfAborted();
  const ending = new AbortController();
  const uploads = new AttemptUploads(upload, (error) => ending.abort(error));
  const end = () => ending.abort(deposed.reason);
  deposed.addEventListener('abort', end);
  try {
    for await (const event of scheduler.generate(attempt, AbortSignal.any([signal, ending.signal]))) {
      // A token follows from all pictures: what is still under way is needed no more, unless it is asked for again.
      if (event.kind === 'tokens') uploads.end();
      if (event.kind === 'encodeHere') uploads.begin(event);
      else yield event;
    }
    ending.signal.throwIfAborted();
  } catch (error) {
    throw ending.signal.aborted ? ending.signal.reason : error;
  } finally {
    deposed.removeEventListener('abort', end);
    uploads.end();
  }
}

/** The uploads of one attempt; of those of the same picture, only the last one counts. */
class AttemptUploads {
  readonly #wanted = new Map<number, AbortController>();

  constructor(
    private readonly upload: Upload,
    private readonly onFailed: (error: unknown) => void,
  ) {}

  begin(order: UploadOrder): void {
    const wanted = new AbortController();
    this.#wanted.get(order.mediaIndex)?.abort();
    this.#wanted.set(order.mediaIndex, wanted);
    this.upload(order, wanted.signal).catch((error: unknown) => {
      if (!wanted.signal.aborted) this.onFailed(error);
    });
  }

  end(): void {
    for (const wanted of this.#wanted.values()) wanted.abort();
    this.#wanted.clear();
  }
}
