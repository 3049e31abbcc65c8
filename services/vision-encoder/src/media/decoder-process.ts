import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { deserializeError, ServingError } from '@tessera/domain';
import type { RgbImage } from '@tessera/qwen2-5-vl';
import type { DecodeOrder, DecoderAnswer, DecoderMessage } from './decode-job.js';
import { readRssBytes } from './read-rss-bytes.js';

export interface DecoderLimits {
  readonly deadlineMs: number;
  readonly maxMemoryBytes: number;
}

interface RunningOrder {
  readonly order: DecodeOrder;
  readonly resolve: (image: RgbImage) => void;
  readonly reject: (error: ServingError) => void;
}

const startupMs = 30_000;
const memoryPollMs = 20;
const maxStderrLen = 2_000;

/**
 * One decoder process as its parent sees it. It runs one order at a time; one that takes too long or too much memory is
 * killed together with its order, because nothing less stops native code.
 */
export class DecoderProcess {
  /** Resolves when the process is gone, however it ended. */
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  readonly #limits: DecoderLimits;
  #running: RunningOrder | undefined;
  #verdict: ServingError | undefined;
  #isReady = false;
  #stopWatching: () => void;
  #isGone = false;
  #stderr = '';

  constructor(entry: URL, limits: DecoderLimits) {
    this.#limits = limits;
    this.#child = fork(fileURLToPath(entry), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
      // It reads hostile data: it gets none of the parent's secrets. Fewer malloc arenas keep less memory.
      env: { MALLOC_ARENA_MAX: '2' },
    });
    this.#child.on('message', (message: DecoderMessage) => this.#receive(message));
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(-maxStderrLen);
    });
    this.#stopWatching = this.#watchStart();
    this.exited = new Promise((resolve) => {
      const end = (how: string) => {
        this.#isGone = true;
        this.#stopWatching();
        this.#settle(({ reject }) => reject(this.#verdict ?? this.#explainExit(how)));
        resolve();
      };
      this.#child.once('close', (code, signal) => end(signal ?? `exit code ${code}`));
      this.#child.on('error', (error) => end(error.message));
    });
  }

  /** False as soon as it was told to end: it takes no more orders. */
  get isUsable(): boolean {
    return !this.#isGone && this.#verdict === undefined;
  }

  /** Memory that it holds now, where the system tells. */
  get rssBytes(): number | undefined {
    return this.#child.pid === undefined ? undefined : readRssBytes(this.#child.pid);
  }

  /** Resolves to the picture, [resizedHeight, resizedWidth, 3]; rejects with a ServingError. */
  run(order: DecodeOrder): Promise<RgbImage> {
    return new Promise((resolve, reject) => {
      this.#running = { order, resolve, reject };
      if (this.#isReady) this.#stopWatching = this.#watchOrder();
      this.#child.send(order, (error) => {
        // The exit that follows a broken channel settles the order.
        if (error) this.kill(new ServingError('worker_failed', `A decoder process is gone: ${error.message}.`));
      });
    });
  }

  /** Ends the process; `verdict` becomes the error of the order that it was running. */
  kill(verdict: ServingError): void {
    this.#verdict ??= verdict;
    this.#child.kill('SIGKILL');
  }

  #receive(message: DecoderMessage): void {
    if (message.kind === 'ready') this.#becomeReady();
    else this.#settle((running) => conclude(running, message));
  }

  /** Starting up does not count against the picture that waits for it. */
  #becomeReady(): void {
    this.#isReady = true;
    this.#stopWatching();
    if (this.#running !== undefined) this.#stopWatching = this.#watchOrder();
  }

  #settle(finish: (running: RunningOrder) => void): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    this.#stopWatching();
    finish(running);
  }

  #watchStart(): () => void {
    const timer = setTimeout(() => {
      this.kill(new ServingError('worker_failed', `A decoder process was not ready within ${startupMs} ms.`));
    }, startupMs);
    return () => clearTimeout(timer);
  }

  #watchOrder(): () => void {
    const { deadlineMs, maxMemoryBytes } = this.#limits;
    const deadline = setTimeout(() => {
      const message = `The picture took longer than ${deadlineMs} ms to decode.`;
      this.kill(new ServingError('media_decode_timeout', message, { deadlineMs }));
    }, deadlineMs);
    const poll = setInterval(() => {
      if ((this.rssBytes ?? 0) <= maxMemoryBytes) return;
      const message = `The picture needs more than ${maxMemoryBytes} bytes of memory to decode.`;
      this.kill(new ServingError('media_too_large', message, { maxMemoryBytes }));
    }, memoryPollMs);
    return () => {
      clearTimeout(deadline);
      clearInterval(poll);
    };
  }

  /** A process that never became ready is our fault, one that dies over a picture the picture's. */
  #explainExit(how: string): ServingError {
    if (this.#isReady)
      return new ServingError('media_undecodable', `The picture crashed its decoder (${how}).`, { how });
    return new ServingError('worker_failed', `A decoder process did not start (${how}): ${this.#stderr.trim()}`, {
      how,
    });
  }
}

function conclude({ order, resolve, reject }: RunningOrder, message: DecoderAnswer): void {
  if (message.kind === 'failed') reject(deserializeError(message.error));
  else if (isOfSize(message.image, order)) resolve(message.image);
  else reject(new ServingError('internal', 'A decoder process answered with a picture of another size.'));
}

function isOfSize({ height, width, data }: RgbImage, { job }: DecodeOrder): boolean {
  return height === job.resizedHeight && width === job.resizedWidth && data.length === height * width * 3;
}
