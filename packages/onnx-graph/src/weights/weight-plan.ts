import { ServingError } from '@tessera/domain';
import type { WeightForm } from './matrix-weight.js';

/** Parts of an engine whose weights may differ in form. */
export const weightParts = ['decoder', 'head', 'tower', 'merger'] as const;
export type WeightPart = (typeof weightParts)[number];

export type WeightFormName = WeightForm['kind'];

/** `auto` is what is nearest to the checkpoint: fp32 for floats, packed matrices as `formOf` says. */
export type WeightChoice = WeightFormName | 'auto';

/** The decoder's may be kept twice: int4 for steps of few rows, where reading weights decides, int8 for all others. */
export const bothForms = 'int8+int4';

/** The form of the weights that is asked for, part by part. */
export type WeightPlan = Readonly<Record<Exclude<WeightPart, 'decoder'>, WeightChoice>> & {
  readonly decoder: WeightChoice | typeof bothForms;
};

/**
 * What `--weights <form>` means for all parts (docs/decisions/006). int4 is for where memory or one stream decides, the
 * decoder; everything that sees many rows, or decides between words, stays at int8.
 */
export const weightPlans = {
  auto: { decoder: 'auto', head: 'auto', tower: 'auto', merger: 'auto' },
  fp32: { decoder: 'fp32', head: 'fp32', tower: 'fp32', merger: 'fp32' },
  int8: { decoder: 'int8', head: 'int8', tower: 'int8', merger: 'int8' },
  int4: { decoder: 'int4', head: 'int8', tower: 'int8', merger: 'int8' },
  [bothForms]: { decoder: bothForms, head: 'int8', tower: 'int8', merger: 'int8' },
} as const satisfies Record<WeightChoice | typeof bothForms, WeightPlan>;

const planNames = Object.keys(weightPlans) as (keyof typeof weightPlans)[];
const choices = planNames.filter((name) => name !== bothForms);

/**
 * Reads `int8`, or parts that differ from a form, such as `int8,decoder=int4` or `decoder=int8,head=fp32` (what is not
 * named stays auto). Throws `invalid_option`.
 */
export function parseWeightPlan(text: string): WeightPlan {
  let plan: WeightPlan = weightPlans.auto;
  for (const item of text.split(',')) {
    const [left, right] = item.trim().split('=');
    if (right === undefined) {
      plan = weightPlans[assertOneOf(left, planNames, text)];
    } else {
      const part = assertOneOf(left, weightParts, text);
      plan = { ...plan, [part]: assertOneOf(right, part === 'decoder' ? planNames : choices, text) };
    }
  }
  return plan;
}

function assertOneOf<Name extends string>(name: string, names: readonly Name[], text: string): Name {
  if (names.includes(name as Name)) return name as Name;
  throw new ServingError('invalid_option', `--weights ${text}: "${name}" is none of ${names.join(', ')}.`, {
    option: '--weights',
  });
}
