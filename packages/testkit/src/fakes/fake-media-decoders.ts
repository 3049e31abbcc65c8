import { ServingError } from '@tessera/domain';
import type { RgbImage } from '@tessera/qwen2-5-vl';

/** What the fake reads of a picture to decode. */
export interface FakeDecodeJob {
  readonly source: Uint8Array;
  readonly resizedHeight: number;
  readonly resizedWidth: number;
}

/** Decodes a file into pixels of its first byte, when the test lets it, and gives up when it is told to. */
export class FakeMediaDecoders {
  /** Every job that came in, in order. */
  readonly jobs: FakeDecodeJob[] = [];
  numAborted = 0;
  readonly #failures: Error[] = [];
  #opened: Promise<void> = Promise.resolve();

  failNext(error: Error = new ServingError('media_undecodable', 'The picture is broken.')): void {
    this.#failures.push(error);
  }

  /** Jobs from now on wait until the returned function is called. */
  hold(): () => void {
    let open: () => void = () => {};
    this.#opened = new Promise((resolve) => {
      open = resolve;
    });
    return open;
  }

  async decode(job: FakeDecodeJob, signal: AbortSignal): Promise<RgbImage> {
    this.jobs.push(job);
    await Promise.race([this.#opened, abortOf(signal)]);
    const failure = this.#failures.shift();
    if (failure) throw failure;
    if (signal.aborted) {
      this.numAborted++;
      throw new ServingError('cancelled', 'The request was cancelled.');
    }
    const { resizedHeight: height, resizedWidth: width, source } = job;
    return { height, width, data: new Uint8Array(height * width * 3).fill(source[0]) };
  }

  async close(): Promise<void> {}
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
