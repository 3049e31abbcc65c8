import { EventEmitter, once } from 'node:events';
import type { CellDescription, CellInspection, Request, SchedulerEvent } from '@tessera/domain';
import type { SchedulerClient } from '../cell/cell.js';
import { tinyModel } from './scripted-scheduler.js';

/** A scheduler that only says what it is: what the test sets, or nothing at all. */
export class DescribedScheduler implements SchedulerClient {
  isClosed = false;
  #description: Partial<CellDescription> | undefined;
  readonly #events = new EventEmitter();

  constructor(description?: Partial<CellDescription>) {
    this.#description = description;
  }

  /** Says this from now on; resolves when it has been asked. Without a description it does not answer. */
  async say(description?: Partial<CellDescription>): Promise<void> {
    this.#description = description;
    await once(this.#events, 'asked');
  }

  async describe(): Promise<CellDescription> {
    queueMicrotask(() => this.#events.emit('asked'));
    if (this.#description === undefined) throw new Error('no answer');
    return { isLeader: true, isReady: true, waitingFor: '', epoch: 1, model: tinyModel, ...this.#description };
  }

  async inspect(): Promise<CellInspection> {
    throw new Error('it is not asked for its pages');
  }

  // biome-ignore lint/correctness/useYield: it is never asked to run anything
  async *generate(_request: Request): AsyncGenerator<SchedulerEvent> {
    throw new Error('it runs nothing');
  }

  close(): void {
    this.isClosed = true;
  }
}
