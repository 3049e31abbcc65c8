/** Prefixes of the newer layouts and what they are called in the original release (spec §2.2). */
const prefixes: readonly (readonly [string, string])[] = [
  ['model.visual.', 'visual.'],
  ['model.language_model.', 'model.'],
  ['language_model.model.', 'model.'],
  ['language_model.lm_head.', 'lm_head.'],
];

/** The original release's name of a tensor, whichever layout the checkpoint was saved in. */
export function canonicalTensorName(name: string): string {
  const found = prefixes.find(([prefix]) => name.startsWith(prefix));
  return found === undefined ? name : found[1] + name.slice(found[0].length);
}
