import { FairClocks } from '@tessera/domain';

/** What a fair queue must know of an item. */
export interface QueuedItem {
  readonly tenant: string;
  /** Lower ranks go first, whatever the clocks say. It counts as it is when the item is added. */
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
  /** Where each item is. */
  readonly #levelOf = new Map<Item, Level<Item>>();
  readonly #numItemsOf = new Map<string, number>();

  constructor(clocks: FairClocks = new FairClocks()) {
    this.clocks = clocks;
  }

  get size(): number {
    return this.#levelOf.size;
  }

  has(item: Item): boolean {
    return this.#levelOf.has(item);
  }

  add(item: Item): void {
    if (this.has(item)) throw new Error(`item ${item.order} of ${item.tenant} is in the queue already`);
    const level = this.#levelAt(item.rank);
    const items = level.byTenant.get(item.tenant);
    if (items) insertInOrder(items, item);
    else level.byTenant.set(item.tenant, [item]);
    this.#levelOf.set(item, level);
    this.#count(item.tenant, 1);
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
    const level = this.#levelOf.get(item);
    const items = level?.byTenant.get(item.tenant);
    if (!level || !items) return false;
    items.splice(items.indexOf(item), 1);
    this.#levelOf.delete(item);
    this.#count(item.tenant, -1);
    if (items.length === 0) level.byTenant.delete(item.tenant);
    if (level.byTenant.size === 0) this.#levels.splice(this.#levels.indexOf(level), 1);
    return true;
  }

  #isBefore(tenant: string, item: Item, best: Item): boolean {
    const lead = this.clocks.timeOf(tenant) - this.clocks.timeOf(best.tenant);
    return lead < 0 || (lead === 0 && item.order < best.order);
  }

  #levelAt(rank: number): Level<Item> {
    const index = this.#levels.findIndex((level) => level.rank >= rank);
    const found = this.#levels[index];
    if (found?.rank === rank) return found;
    const level = { rank, byTenant: new Map<string, Item[]>() };
    this.#levels.splice(index < 0 ? this.#levels.length : index, 0, level);
    return level;
  }

  #count(tenant: string, change: 1 | -1): void {
    const before = this.#numItemsOf.get(tenant) ?? 0;
    if (before === 0) this.clocks.join(tenant);
    if (before + change > 0) {
      this.#numItemsOf.set(tenant, before + change);
      return;
    }
    this.#numItemsOf.delete(tenant);
    this.clocks.leave(tenant);
  }
}

/** Almost always at the end: only what comes back has an order below the last one. */
function insertInOrder<Item extends QueuedItem>(items: Item[], item: Item): void {
  let index = items.length;
  while (index > 0 && (items[index - 1] as Item).order > item.order) index--;
  items.splice(index, 0, item);
}
