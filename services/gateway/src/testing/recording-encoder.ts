import { EventEmitter, once } from 'node:events';
import type { EncodeJob, VisionEncoder } from '@tessera/domain';

/** An encoder that keeps its jobs, and does with each what the test says: nothing unless told. */
export class RecordingEncoder implements VisionEncoder {
  readonly jobs: EncodeJob[] = [];
  readonly #encoded = new Set<string>();
  readonly #events = new EventEmitter();

  constructor(private readonly act: VisionEncoder['encode'] = async () => {}) {}

  async encode(job: EncodeJob, signal: AbortSignal): Promise<void> {
    this.jobs.push(job);
    await this.act(job, signal);
    this.#encoded.add(job.ticket);
    this.#events.emit('encoded');
  }

  /** Resolves when the job of this ticket is done, rejects when `signal` aborts. */
  async whenEncoded(ticket: string, signal: AbortSignal): Promise<void> {
    while (!this.#encoded.has(ticket)) await once(this.#events, 'encoded', { signal });
  }
}
