import type { LaneId, PageId, Seal, StepPlan, StepResult } from '@tessera/domain';

/** A step whose plan was handed to the engine. */
interface BegunStep {
  readonly plan: StepPlan;
  /** The pages of its lanes as of this step. */
  readonly pagesOf: ReadonlyMap<LaneId, readonly PageId[]>;
}

/**
 * What this rank's pages hold, as schedulers said it. A seal goes when its page is given to new content, and comes when
 * the step that said it has run; in doubt it goes.
 */
export class SealBook {
  readonly #seals = new Map<PageId, Seal>();
  readonly #begun: BegunStep[] = [];
  /** Pages of the running sequences, replaced and never changed. */
  readonly #pagesOf = new Map<LaneId, readonly PageId[]>();

  get seals(): Seal[] {
    return [...this.#seals.values()];
  }

  /** Before the step can write to a page. Steps end in the order in which they begin. */
  begin(plan: StepPlan): void {
    for (const lane of plan.released) this.#pagesOf.delete(lane);
    for (const { lane, pages } of plan.admitted) this.#pagesOf.set(lane, pages);
    for (const { lane, newPages } of plan.chunks) {
      if (newPages.length > 0) this.#pagesOf.set(lane, [...(this.#pagesOf.get(lane) ?? []), ...newPages]);
    }
    this.#drop(plan);
    this.#begun.push({ plan, pagesOf: new Map(this.#pagesOf) });
  }

  /** Without a result the step failed, and nothing that it said holds. */
  end(result: StepResult | undefined): void {
    const step = this.#begun.shift();
    if (!step) throw new Error('A step ended that did not begin.');
    if (!result) return;
    const spoilt = new Set(numberlessLanes(result).flatMap((lane) => step.pagesOf.get(lane) ?? []));
    for (const page of spoilt) this.#seals.delete(page);
    for (const seal of step.plan.seals ?? []) {
      if (!spoilt.has(seal.pageId)) this.#seals.set(seal.pageId, seal);
    }
    // Steps that began meanwhile may be writing to a page that this one sealed.
    for (const { plan } of this.#begun) this.#drop(plan);
  }

  /** The sequences are gone; pages and their seals stay. No step may be running. */
  releaseAll(): void {
    this.#pagesOf.clear();
  }

  #drop({ chunks }: StepPlan): void {
    for (const page of chunks.flatMap(({ newPages }) => newPages)) this.#seals.delete(page);
  }
}

/** Lanes without a token to choose: what their sequence computed is not of numbers, and nobody should find it again. */
function numberlessLanes({ outputs }: StepResult): LaneId[] {
  return outputs.flatMap(({ lane, tokens }) => (tokens.length === 0 ? [lane] : []));
}
