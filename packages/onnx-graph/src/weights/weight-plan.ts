import { ServingError } from '@tessera/domain';
import type { WeightForm } from './matrix-weight.js';

/** Parts of an engine whose weights may differ in form. */
export const weightParts = ['decoder', 'head', 'tower', 'merger'] as const;
export type WeightPart = (typeof weightParts)[number];

export type WeightFormName = WeightForm['kind'];

/** The form of the weights, part by part. */
export type WeightPlan = Readonly<Record<WeightPart, WeightFormName>>;

/**
 * What `--weights <form>` means for all parts (docs/decisions/006). int4 is for where memory or one stream decides, the
 * decoder; everything that sees many rows, or decides between words, stays at int8.
 */
export const weightPlans: Readonly<Record<WeightFormName, WeightPlan>> = {
  fp32: { decoder: 'fp32', head: 'fp32', tower: 'fp32', merger: 'fp32' },
  int8: { decoder: 'int8', head: 'int8', tower: 'int8', merger: 'int8' },
  int4: { decoder: 'int4', head: 'int8', tower: 'int8', merger: 'int8' },
};

/** From this many columns on a block of 128 costs little accuracy and a third less time than one of 32. */
const longRowLen = 1024;

/** Block length of an int4 matrix with K columns before sharding; the same at every tensor-parallel degree. */
export function int4BlockLen(numColumns: number): number {
  return numColumns >= longRowLen ? 128 : 32;
}

export function formOf(name: WeightFormName, numColumns: number): WeightForm {
  return name === 'int4' ? { kind: 'int4', blockLen: int4BlockLen(numColumns) } : { kind: name };
}

const formNames = Object.keys(weightPlans) as WeightFormName[];

/**
 * Reads `int8`, or parts that differ from a form, such as `int8,decoder=int4` or `decoder=int8,head=fp32` (what is not
 * named stays fp32). Throws `invalid_option`.
 */
export function parseWeightPlan(text: string): WeightPlan {
  let plan = weightPlans.fp32;
  for (const item of text.split(',')) {
    const [left, right] = item.trim().split('=');
    if (right === undefined) plan = weightPlans[assertOneOf(left, formNames, text)];
    else plan = { ...plan, [assertOneOf(left, weightParts, text)]: assertOneOf(right, formNames, text) };
  }
  return plan;
}

function assertOneOf<Name extends string>(name: string, names: readonly Name[], text: string): Name {
  if (names.includes(name as Name)) return name as Name;
  throw new ServingError('invalid_option', `--weights ${text}: "${name}" is none of ${names.join(', ')}.`, {
    option: '--weights',
  });
}
