import type { CellInspector, CellModel, Scheduler } from '@tessera/domain';

/** A scheduler that can be asked what it is, wherever it runs. */
export interface SchedulerClient extends Scheduler, CellInspector {
  /** Lets go of the connection: what runs over it goes on to its end, and then it is closed. */
  close(): void | Promise<void>;
}

/** The scheduler that leads the cell, as it last described itself. */
export interface Leader {
  readonly address: string;
  readonly scheduler: Scheduler;
  readonly model: CellModel;
  /** Why it cannot serve now; undefined when it can. */
  readonly waitingFor: string | undefined;
  /** Aborts, with a ServingError `not_leader`, when another one leads: what this one runs will never be finished. */
  readonly deposed: AbortSignal;
}

/** Whether requests can be answered now, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  readonly reason?: string;
}

/** The cell that a gateway serves: asked what it is, again and again, not configured. */
export interface Cell {
  readonly readiness: Readiness;
  /**
   * Takes these as the addresses of the cell's schedulers from now on. A leader that is no longer among them, since its
   * connection to the bus is broken, say, is followed until it stops answering or another one leads.
   */
  follow(addresses: readonly string[]): void;
  /** Asks all schedulers at once, for when one of them failed. */
  refresh(): void;
  /** The leader of a cell that serves; ServingError `not_ready` after `limitMs`, which tells what is missing. */
  whenReady(limitMs: number, signal: AbortSignal): Promise<Leader>;
  /** A leader that knows its model, whether or not it serves now; else the same. */
  whenKnown(limitMs: number, signal: AbortSignal): Promise<Leader>;
  /** A leader of this model, whether or not it serves now; else the same. */
  whenLed(modelRevision: string, limitMs: number, signal: AbortSignal): Promise<Leader>;
  close(): Promise<void>;
}
