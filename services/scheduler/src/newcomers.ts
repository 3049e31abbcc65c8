import type { VisualSegment } from '@tessera/domain';
import type { CellGroups } from './cell-groups.js';
import type { FairQueue } from './fair-queue.js';
import type { GroupLoop } from './group/group-loop.js';
import { type Placement, placeSequence } from './placement.js';
import { byRank, type Sequence } from './sequence.js';
import type { Preparation } from './visuals/preparation.js';

export interface NewcomersParts {
  readonly queue: FairQueue<Sequence>;
  readonly groups: CellGroups;
  readonly preparation: Preparation;
  /** A sequence has come onto a group; these of its visuals are neither staged there nor on their way. */
  readonly onAdmitted: (placement: Placement, sequence: Sequence, absent: readonly VisualSegment[]) => void;
}

type IsPlanned = (sequence: Sequence) => boolean;

/** Brings sequences from the queue onto groups. Nobody overtakes the one in turn. */
export class Newcomers {
  readonly #parts: NewcomersParts;

  constructor(parts: NewcomersParts) {
    this.#parts = parts;
  }

  /** The next in turn, if this is the group for it and it finds room there; see `PlanSource`. */
  admitNext(loop: GroupLoop, isPlanned: IsPlanned): Sequence | undefined {
    const { queue, groups, preparation, onAdmitted } = this.#parts;
    for (;;) {
      const sequence = queue.peek();
      const placement = sequence && this.#place(sequence, loop, isPlanned);
      if (!sequence || !placement) return undefined;
      const { state, staging } = loop;
      const cachedPages = state.findCached(sequence);
      const numCached = cachedPages.length * state.pageLen;
      const needed = sequence.visualsBehind(numCached);
      if (!preparation.isPrepared(sequence, needed, staging)) {
        queue.remove(sequence);
        preparation.prepareAgain(sequence, needed);
        continue;
      }
      if (!staging.reserve(sequence, needed)) return undefined;
      queue.remove(sequence);
      queue.clocks.charge(sequence.tenant, sequence.numKnownTokens - numCached);
      state.admit(sequence, cachedPages);
      groups.wakeAll();
      const absent = needed.filter(({ embeddingKey }) => !staging.isComing(embeddingKey));
      onAdmitted(placement, sequence, absent);
      // It may have asked too often already.
      if (!sequence.hasEnded) return sequence;
    }
  }

  /** Undefined when it is for another group or finds no room. */
  #place(sequence: Sequence, loop: GroupLoop, isPlanned: IsPlanned): Placement | undefined {
    const open = [...this.#parts.groups].filter((group) => hasRoom(group, sequence));
    if (open.length === 0 && makeWay(sequence, loop, isPlanned)) return placeSequence(sequence, [loop]);
    const placement = placeSequence(sequence, open);
    if (placement?.loop === loop) return placement;
    // Nothing else may happen there that makes it look for work.
    placement?.loop.wake();
    return undefined;
  }
}

function hasRoom({ state }: GroupLoop, sequence: Sequence): boolean {
  if (state.numFreeLanes === 0 || !state.canHold(sequence)) return false;
  return state.hasRoomFor(sequence, state.findCached(sequence));
}

/** Batch requests give way to interactive ones, the last come first. */
function makeWay(sequence: Sequence, loop: GroupLoop, isPlanned: IsPlanned): boolean {
  if (sequence.isBatch || !loop.state.canHold(sequence)) return false;
  const batch = [...loop.state.running].filter((running) => running.isBatch && !isPlanned(running)).sort(byRank);
  for (const victim of batch.reverse()) {
    loop.preempt(victim);
    if (hasRoom(loop, sequence)) return true;
  }
  return false;
}
