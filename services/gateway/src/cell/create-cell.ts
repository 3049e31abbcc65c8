import { setMaxListeners } from 'node:events';
import { ServingError } from '@tessera/domain';
import type { Logger } from '@tessera/runtime';
import type { Cell, Leader, Readiness, SchedulerClient } from './cell.js';
import { ObservableValue } from './observable-value.js';
import { SchedulerWatch } from './scheduler-watch.js';

export interface CellOptions {
  readonly connect: (address: string) => SchedulerClient;
  readonly logger: Logger;
  /** Time between two descriptions of a scheduler. Default 500. */
  readonly pollMs?: number;
}

/** What is known of the cell: who leads it or, if nobody does, what is missing. */
type CellState = { readonly leader: Leader } | { readonly leader?: undefined; readonly missing: string };

/** A cell without schedulers: `follow` names them. */
export function createCell(options: CellOptions): Cell {
  return new DescribedCell(options);
}

class DescribedCell implements Cell {
  readonly #options: CellOptions;
  readonly #state = new ObservableValue<CellState>({ missing: 'a scheduler' });
  readonly #watches = new Map<string, SchedulerWatch>();
  #listed: ReadonlySet<string> = new Set();
  #isClosed = false;
  #reign: { readonly address: string; readonly end: AbortController } | undefined;

  constructor(options: CellOptions) {
    this.#options = options;
  }

  get readiness(): Readiness {
    const missing = this.#missing();
    return missing === undefined ? { ready: true } : { ready: false, reason: `waiting for ${missing}` };
  }

  follow(addresses: readonly string[]): void {
    if (this.#isClosed) return;
    const { connect, pollMs = 500 } = this.#options;
    this.#listed = new Set(addresses);
    for (const address of this.#listed) {
      if (this.#watches.has(address)) continue;
      const watch = new SchedulerWatch(address, connect(address), pollMs, () => this.#elect());
      this.#watches.set(address, watch);
    }
    this.#elect();
    this.refresh();
  }

  refresh(): void {
    for (const watch of this.#watches.values()) watch.ask();
  }

  whenReady(limitMs: number, signal: AbortSignal): Promise<Leader> {
    return this.#leaderWhen(({ waitingFor }) => waitingFor === undefined, limitMs, signal);
  }

  whenKnown(limitMs: number, signal: AbortSignal): Promise<Leader> {
    return this.#leaderWhen(() => true, limitMs, signal);
  }

  whenLed(modelRevision: string, limitMs: number, signal: AbortSignal): Promise<Leader> {
    return this.#leaderWhen(({ model }) => model.revision === modelRevision, limitMs, signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#watches.values()].map((watch) => watch.close()));
  }

  async #leaderWhen(isMeant: (leader: Leader) => boolean, limitMs: number, signal: AbortSignal): Promise<Leader> {
    const pick = ({ leader }: CellState) => (leader !== undefined && isMeant(leader) ? leader : undefined);
    const found = pick(this.#state.current);
    if (found !== undefined) return found;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), limitMs);
    try {
      return await this.#state.until(pick, AbortSignal.any([signal, limit.signal]));
    } catch {
      // Only the two signals end the waiting.
      signal.throwIfAborted();
      throw notReady(this.#missing() ?? 'a leader of the same model');
    } finally {
      clearTimeout(timer);
    }
  }

  #missing(): string | undefined {
    const state = this.#state.current;
    return state.leader === undefined ? state.missing : state.leader.waitingFor;
  }

  #elect(): void {
    const elected = this.#mostObeyed();
    this.#state.current = elected === undefined ? { missing: this.#whatIsMissing() } : { leader: this.#lead(elected) };
    for (const [address, watch] of this.#watches) {
      if (this.#listed.has(address) || watch === elected?.watch) continue;
      this.#watches.delete(address);
      this.#close(watch);
    }
  }

  /** Of several that believe they lead, workers obey the one with the highest epoch. */
  #mostObeyed(): Leadership | undefined {
    let found: Leadership | undefined;
    for (const watch of this.#watches.values()) {
      const { description } = watch;
      if (!description?.isLeader || description.model === undefined) continue;
      const { model, epoch, isReady, waitingFor } = description;
      if (found !== undefined && epoch <= found.epoch) continue;
      found = { watch, model, epoch, waitingFor: isReady ? undefined : waitingFor };
    }
    return found;
  }

  #lead({ watch: { address, scheduler }, model, epoch, waitingFor }: Leadership): Leader {
    if (this.#reign?.address !== address) {
      this.#reign?.end.abort(new ServingError('not_leader', `${address} leads in place of ${this.#reign.address}`));
      const end = new AbortController();
      setMaxListeners(0, end.signal);
      this.#reign = { address, end };
      this.#options.logger.info({ scheduler: address, epoch, revision: model.revision }, 'following a leader');
    }
    return { address, scheduler, model, waitingFor, deposed: this.#reign.end.signal };
  }

  #whatIsMissing(): string {
    const descriptions = [...this.#watches.values()].flatMap(({ description }) => description ?? []);
    const leading = descriptions.find(({ isLeader }) => isLeader);
    if (leading !== undefined) return leading.waitingFor;
    return descriptions.length === 0 ? 'a scheduler' : 'a scheduler that leads';
  }

  #close(watch: SchedulerWatch): void {
    watch.close().catch((error: unknown) => {
      this.#options.logger.warn({ err: error, scheduler: watch.address }, 'could not close a connection');
    });
  }
}

/** A scheduler that leads and knows what. */
interface Leadership extends Pick<Leader, 'model' | 'waitingFor'> {
  readonly watch: SchedulerWatch;
  readonly epoch: number;
}

function notReady(missing: string): ServingError {
  const facts = { waitingFor: missing, retryAfterSeconds: 1 };
  return new ServingError('not_ready', `the server is not ready: it waits for ${missing}`, facts);
}
