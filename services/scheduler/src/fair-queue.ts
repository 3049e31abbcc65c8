import { FairClocks } from './fair-clocks.js';

/** What a fair queue must know of an item. */
export interface QueuedItem {
  readonly tenant: string;
  /** Lower ranks go first, whatever the clocks say. */
  readonly rank: number;
  /** Within a rank and a tenant, lower goes first. */
  readonly order: number;
}

interface Level<Item> {
  readonly rank: number;
  readonly byTenant: Map<string, Item[]>;
}

/**
 * Items by rank, then by the clock of their tenant, then by order. Taking the head costs as much as there are tenants of
 * a rank, however many items wait; removing one costs a search among its tenant's.
 */
export class FairQueue<Item extends QueuedItem> {
  readonly clocks: FairClocks;
  /** By rank, ascending; no level is empty. */
  readonly #levels: Level<Item>[] = [];
  #size = 0;

  constructor(clocks: FairClocks = new FairClocks()) {
    this.clocks = clocks;
  }

  get size(): number {
    return this.#size;
  }

  add(item: Item): void {
    const { byTenant } = this.#levelOf(item.rank);
    const items = byTenant.get(item.tenant);
    if (items) insertInOrder(items, item);
    else {
      byTenant.set(item.tenant, [item]);
      this.clocks.join(item.tenant);
    }
    this.#size++;
  }

  /** Whose turn it is; it stays in the queue. */
  peek(): Item | undefined {
    let best: Item | undefined;
    for (const [tenant, [first]] of this.#levels[0]?.byTenant ?? []) {
      if (!best || this.#isBefore(tenant, first as Item, best)) best = first;
    }
    return best;
  }

  /** True when it was in the queue. */
  remove(item: Item): boolean {
    const level = this.#levels.find(({ rank }) => rank === item.rank);
    const items = level?.byTenant.get(item.tenant);
    const index = items?.indexOf(item) ?? -1;
    if (!level || !items || index < 0) return false;
    items.splice(index, 1);
    this.#size--;
    if (items.length > 0) return true;
    level.byTenant.delete(item.tenant);
    if (level.byTenant.size === 0) this.#levels.splice(this.#levels.indexOf(level), 1);
    return true;
  }

  *[Symbol.iterator](): Generator<Item> {
    for (const { byTenant } of this.#levels) for (const items of byTenant.values()) yield* items;
  }

  #isBefore(tenant: string, item: Item, best: Item): boolean {
    const lead = this.clocks.timeOf(tenant) - this.clocks.timeOf(best.tenant);
    return lead < 0 || (lead === 0 && item.order < best.order);
  }

  #levelOf(rank: number): Level<Item> {
    const index = this.#levels.findIndex((level) => level.rank >= rank);
    const found = this.#levels[index];
    if (found?.rank === rank) return found;
    const level = { rank, byTenant: new Map<string, Item[]>() };
    this.#levels.splice(index < 0 ? this.#levels.length : index, 0, level);
    return level;
  }
}

/** Almost always at the end: only what comes back has an order below the last one. */
function insertInOrder<Item extends QueuedItem>(items: Item[], item: Item): void {
  let index = items.length;
  while (index > 0 && (items[index - 1] as Item).order > item.order) index--;
  items.splice(index, 0, item);
}
