import type { AdmittedSequence, Chunk, StepPlan } from '@tessera/domain';
import { byRank, type Sequence } from '../sequence.js';
import { type ComputableLen, type GroupState, residenceOf } from './group-state.js';

/** Whom a plan may bring in, and whom it puts back. */
export interface PlanSource {
  /**
   * Brings the next sequence that fits onto the group, if there is one; `group.running` then has it. May put back a
   * running one for it that is not planned yet.
   */
  admitNext(isPlanned: (sequence: Sequence) => boolean): Sequence | undefined;
  /** A sequence that lost its pages to others; it holds nothing of the group any more. */
  putBack(sequence: Sequence): void;
}

/** What one sequence computes in a planned step. */
export interface PlannedChunk {
  readonly sequence: Sequence;
  readonly residence: Sequence['residence'];
  readonly chunk: Chunk;
  readonly numTokens: number;
  /** What comes of it is not wanted: the step before failed. */
  isVoid: boolean;
}

export interface PlannedStep {
  readonly plan: StepPlan;
  readonly chunks: readonly PlannedChunk[];
}

/**
 * Plans one step of a group, or nothing when there is nothing to do. There is one budget of tokens and no phases: every
 * running sequence has tokens to compute, one when it decodes, the rest of its prompt before.
 *
 * Sequences that decode come first, so that a long prompt never holds up a stream; then prompts in order of rank and
 * arrival, then newcomers. When more decode than there are rows, those come first that wait longest. When the pool runs
 * out, the last by rank and arrival that is not in the plan yet gives its pages back and is computed again later, whether
 * it decodes or not. With `only`, everybody else waits.
 */
export function planStep(
  group: GroupState,
  source: PlanSource,
  computableLen: ComputableLen,
  only?: Sequence,
): PlannedStep | undefined {
  const planned: PlannedChunk[] = [];
  const admitted: AdmittedSequence[] = [];
  let budget = group.description.maxStepTokens;

  const add = (sequence: Sequence): void => {
    const numTokens = tokensInStep(sequence, budget, computableLen);
    if (numTokens === 0) return;
    const newPages = makeRoom(group, source, sequence, numTokens, planned);
    if (!newPages) return;
    const residence = residenceOf(sequence);
    if (!residence.isAdmitted) admitted.push(admissionOf(sequence, group.pageLen));
    // Pages that an admission brings along are named there.
    planned.push({ sequence, residence, numTokens, chunk: chunkOf(sequence, numTokens, newPages), isVoid: false });
    residence.isAdmitted = true;
    sequence.lastTurn = group.numTurns++;
    sequence.numPlanned += numTokens;
    sequence.numStepsUnderWay++;
    if (planned[planned.length - 1]?.chunk.samples) {
      sequence.numPendingSamples++;
      sequence.numSampled++;
    }
    budget -= numTokens;
  };

  for (const sequence of only ? [only] : inOrder(group, budget)) if (group.running.has(sequence)) add(sequence);
  while (!only && budget > 0) {
    const sequence = source.admitNext((running) => planned.some((chunk) => chunk.sequence === running));
    if (!sequence) break;
    add(sequence);
  }
  return finishPlan(group, admitted, planned);
}

function finishPlan(
  group: GroupState,
  admitted: readonly AdmittedSequence[],
  chunks: readonly PlannedChunk[],
): PlannedStep | undefined {
  const { releasedLanes: released } = group;
  // A page may have been given to new content since it was sealed, or nobody is to find it any more.
  const seals = group.seals.filter(({ pageId, generation, blockHash }) => {
    const page = group.pages.record(pageId);
    return page?.generation === generation && page.blockHash === blockHash;
  });
  if (chunks.length === 0 && released.length === 0 && seals.length === 0) return undefined;
  group.releasedLanes = [];
  group.seals = [];
  const plan = { stepId: group.numSteps++, released, admitted, chunks: chunks.map(({ chunk }) => chunk), seals };
  return { plan, chunks };
}

function inOrder({ running }: GroupState, budget: number): Sequence[] {
  const sequences = [...running];
  const decoding = sequences.filter(({ isDecoding }) => isDecoding);
  if (decoding.length > budget) decoding.sort((a, b) => a.lastTurn - b.lastTurn);
  else decoding.sort(byRank);
  return [...decoding, ...sequences.filter(({ isDecoding }) => !isDecoding).sort(byRank)];
}

/** Tokens that a sequence computes in a step: none when it only waits for an image or for its last token. */
export function tokensInStep(sequence: Sequence, budget: number, computableLen: ComputableLen): number {
  if (sequence.isDecoding && sequence.isAtLimit) return 0;
  const numComputable = computableLen(sequence) - sequence.numPlanned;
  return Math.max(0, Math.min(sequence.numTokensToPlan, budget, numComputable));
}

/** Pages for the chunk, taken from others if need be; undefined when the sequence had to give way itself. */
function makeRoom(
  group: GroupState,
  source: PlanSource,
  sequence: Sequence,
  numTokens: number,
  planned: readonly PlannedChunk[],
): ReturnType<GroupState['extend']> {
  for (;;) {
    const pages = group.extend(sequence, sequence.numPlanned + numTokens);
    if (pages) return pages;
    const victim = lastOf(group, planned);
    if (!victim) return undefined;
    group.leave(victim);
    source.putBack(victim);
    if (victim === sequence) return undefined;
  }
}

/** Who gives way: the last by rank and arrival of those that are not in the plan yet. */
function lastOf({ running }: GroupState, planned: readonly PlannedChunk[]): Sequence | undefined {
  const busy = new Set(planned.map(({ sequence }) => sequence));
  return [...running]
    .filter((sequence) => !busy.has(sequence))
    .sort(byRank)
    .at(-1);
}

function chunkOf(sequence: Sequence, numTokens: number, newPages: Chunk['newPages']): Chunk {
  return {
    lane: residenceOf(sequence).lane,
    input: sequence.isDecoding ? { kind: 'lastSampled' } : { kind: 'known', numTokens },
    newPages,
    samples: numTokens === sequence.numTokensToPlan,
  };
}

function admissionOf(sequence: Sequence, pageLen: number): AdmittedSequence {
  const { request, outputTokens } = sequence;
  const { lane, pages, numCachedPages } = residenceOf(sequence);
  const numCached = numCachedPages * pageLen;
  return {
    sequenceId: sequence.id,
    lane,
    tokenIds: Int32Array.from([...request.tokenIds, ...outputTokens]),
    numPromptTokens: request.tokenIds.length,
    positions: request.positions,
    visuals: sequence
      .visualsBehind(numCached)
      .map(({ embeddingKey, offset, length }) => ({ embeddingKey, offset, length })),
    numCached,
    pages: pages.slice(0, numCachedPages),
    sampling: request.sampling,
  };
}
