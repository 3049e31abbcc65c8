import { expect, test } from 'vitest';
import { canonicalTensorName } from './canonical-tensor-name.js';

test('every layout is brought to the names of the original release', () => {
  const table = [
    ['visual.blocks.0.norm1.weight', 'visual.blocks.0.norm1.weight'],
    ['model.visual.blocks.0.norm1.weight', 'visual.blocks.0.norm1.weight'],
    ['model.layers.3.mlp.up_proj.weight', 'model.layers.3.mlp.up_proj.weight'],
    ['model.language_model.layers.3.mlp.up_proj.weight', 'model.layers.3.mlp.up_proj.weight'],
    ['model.language_model.norm.weight', 'model.norm.weight'],
    ['language_model.model.embed_tokens.weight', 'model.embed_tokens.weight'],
    ['language_model.lm_head.weight', 'lm_head.weight'],
    ['lm_head.weight', 'lm_head.weight'],
  ] as const;
  for (const [stored, canonical] of table) expect(canonicalTensorName(stored)).toBe(canonical);
});
