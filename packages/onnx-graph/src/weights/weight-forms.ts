import type { Checkpoint } from '../checkpoint/checkpoint.js';
import type { PackedMatrix } from '../checkpoint/packed-matrix.js';
import type { Int4Form, WeightForm } from './matrix-weight.js';
import { bothForms, type WeightPart, type WeightPlan, weightPlans } from './weight-plan.js';

/** What decides about the form of every matrix of an engine. */
export interface WeightForms {
  readonly plan: WeightPlan;
  /** The checkpoint's quantised matrices by name, each with the form that keeps it as it is, where there is one. */
  readonly packed: Readonly<Record<string, { readonly kept?: Int4Form }>>;
}

/** The plan for this checkpoint; without packed matrices there is nothing that `auto` would not make fp32. */
export function weightFormsOf({ packed }: Checkpoint, plan: WeightPlan): WeightForms {
  const settled = packed.size > 0 ? plan : { ...weightPlans.fp32, ...withoutAuto(plan) };
  const entries = [...packed].map(([name, matrix]) => [name, { kept: keptForm(matrix) }] as const);
  return { plan: settled, packed: Object.fromEntries(entries) };
}

function withoutAuto(plan: WeightPlan): Partial<WeightPlan> {
  return Object.fromEntries(Object.entries(plan).filter(([, choice]) => choice !== 'auto'));
}

const [minBlockLen, maxBlockLen] = [16, 128];

/**
 * Blocks of MatMulNBits are powers of two from 16 on; a group of another length is cut into the longest that divide it,
 * which share its scale. Eight bits and columns sorted by their activations have no such form.
 */
function keptForm({ quantization, isInOrder, numCols }: PackedMatrix): Int4Form | undefined {
  const { bits, isSymmetric, groupLen = numCols } = quantization;
  if (bits !== 4 || !isInOrder) return undefined;
  let blockLen = maxBlockLen;
  while (groupLen % blockLen !== 0) blockLen /= 2;
  if (blockLen < minBlockLen) return undefined;
  return { kind: 'int4', blockLen, published: isSymmetric ? 'symmetric' : 'zeroPoints' };
}

/** From this many columns on a block of 128 costs little accuracy and a third less time than one of 32. */
const longRowLen = 1024;

/** Block length of a matrix with K columns that is rounded to int4 here; the same at every tensor-parallel degree. */
function int4BlockLen(numColumns: number): number {
  return numColumns >= longRowLen ? 128 : 32;
}

/** The forms of a decoder kept twice in steps of few rows; undefined when it is kept once. */
export function fewRowForms(forms: WeightForms): WeightForms | undefined {
  return forms.plan.decoder === bothForms ? { ...forms, plan: { ...forms.plan, decoder: 'int4' } } : undefined;
}

/**
 * The form of a matrix of K columns, stacked from these tensors. Packed matrices are kept where int4 or `auto` is asked
 * and all of the stack can be; else `auto` makes them int8, which is finer than their own steps (docs/decisions/007).
 */
export function formOf(
  { plan, packed }: WeightForms,
  part: WeightPart,
  tensors: readonly string[],
  numColumns: number,
): WeightForm {
  const choice = plan[part] === bothForms ? 'int8' : plan[part];
  const kept = tensors.map((tensor) => packed[tensor]?.kept);
  if ((choice === 'auto' || choice === 'int4') && kept[0] && kept.every((form) => isSameForm(form, kept[0]))) {
    return kept[0];
  }
  if (choice === 'auto') return { kind: tensors.some((tensor) => tensor in packed) ? 'int8' : 'fp32' };
  return choice === 'int4' ? { kind: 'int4', blockLen: int4BlockLen(numColumns) } : { kind: choice };
}

function isSameForm(a: Int4Form | undefined, b: Int4Form | undefined): boolean {
  return a?.blockLen === b?.blockLen && a?.published === b?.published;
}
