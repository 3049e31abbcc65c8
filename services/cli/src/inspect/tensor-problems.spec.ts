import { validateModelConfig } from '@tessera/qwen2-5-vl';
import { describe, expect, it } from 'vitest';
import { tinyRawConfig, tinyShapes } from '../testing/tiny-checkpoint.js';
import { tensorProblems, usedShapes } from './tensor-problems.js';

const tied = validateModelConfig(tinyRawConfig);
const untied = validateModelConfig({ ...tinyRawConfig, tie_word_embeddings: false });
const withHead = tinyShapes().set('lm_head.weight', [151_665, 16]);

describe('tensorProblems', () => {
  it('has none for exactly the tensors of the model', () => {
    expect(tensorProblems(tied, tinyShapes())).toEqual([]);
    expect(tensorProblems(untied, withHead)).toEqual([]);
  });

  it('misses a head that is not tied', () => {
    expect(tensorProblems(untied, tinyShapes())).toEqual(['missing: lm_head.weight [151665, 16]']);
  });

  it('names all that is missing, however much', () => {
    expect(tensorProblems(tied, new Map())).toHaveLength(tinyShapes().size);
  });
});

describe('usedShapes', () => {
  it('leaves out a head beside a tied one and keeps a head of its own', () => {
    expect(usedShapes(tied, withHead)).toEqual(tinyShapes());
    expect(usedShapes(untied, withHead)).toEqual(withHead);
  });
});
