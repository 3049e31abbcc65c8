import { ServingError } from '@tessera/domain';
import type { WeightForm } from './matrix-weight.js';

/** Parts of an engine whose weights may differ in form. */
export const weightParts = ['decoder', 'head', 'tower', 'merger'] as const;
export type WeightPart = (typeof weightParts)[number];

export type WeightFormName = WeightForm['kind'];

/** `auto` is what is nearest to the checkpoint: fp32 for floats, packed matrices as `formOf` says. */
export type WeightChoice = WeightFormName | 'auto';

/** The form of the weights that is asked for, part by part. */
export type WeightPlan = Readonly<Record<WeightPart, WeightChoice>>;

/**
 * What `--weights <form>` means for all parts (docs/decisions/006). int4 is for where memory or one stream decides, the
 * decoder; everything that sees many rows, or decides between words, stays at int8.
 */
export const weightPlans = {
  auto: { decoder: 'auto', head: 'auto', tower: 'auto', merger: 'auto' },
  fp32: { decoder: 'fp32', head: 'fp32', tower: 'fp32', merger: 'fp32' },
  int8: { decoder: 'int8', head: 'int8', tower: 'int8', merger: 'int8' },
  int4: { decoder: 'int4', head: 'int8', tower: 'int8', merger: 'int8' },
} as const satisfies Record<WeightChoice, WeightPlan>;

const choices = Object.keys(weightPlans) as WeightChoice[];

/**
 * Reads `int8`, or parts that differ from a form, such as `int8,decoder=int4` or `decoder=int8,head=fp32` (what is not
 * named stays auto). Throws `invalid_option`.
 */
export function parseWeightPlan(text: string): WeightPlan {
  let plan: WeightPlan = weightPlans.auto;
  for (const item of text.split(',')) {
    const [left, right] = item.trim().split('=');
    if (right === undefined) plan = weightPlans[assertOneOf(left, choices, text)];
    else plan = { ...plan, [assertOneOf(left, weightParts, text)]: assertOneOf(right, choices, text) };
  }
  return plan;
}

function assertOneOf<Name extends string>(name: string, names: readonly Name[], text: string): Name {
  if (names.includes(name as Name)) return name as Name;
  throw new ServingError('invalid_option', `--weights ${text}: "${name}" is none of ${names.join(', ')}.`, {
    option: '--weights',
  });
}
