import { embeddingKey } from '@tessera/domain';
import { describe, expect, test } from 'vitest';
import { StagedEmbeddings } from './staged-embeddings.js';

const [cat, dog] = ['cat', 'dog'].map(embeddingKey);

describe('StagedEmbeddings', () => {
  const stage = () => {
    const staged = new StagedEmbeddings(2);
    staged.stage({ embeddingKey: cat, numTokens: 3, data: Float32Array.of(1, 2, 3, 4, 5, 6) });
    return staged;
  };

  test('gives the rows of what is staged', () => {
    expect([0, 1, 2].map((row) => [...stage().row(cat, row)])).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });

  for (const [title, key, row] of [
    ['a picture that is not there', dog, 0],
    ['a row behind the last', cat, 3],
  ] as const) {
    test(`throws for ${title}`, () => {
      expect(() => stage().row(key, row)).toThrow(expect.objectContaining({ reason: 'internal' }));
    });
  }

  test('forgets what is unstaged', () => {
    const staged = stage();
    staged.unstage(cat);
    expect(() => staged.row(cat, 0)).toThrow('Row 0 of embedding cat is not staged.');
  });

  test('forgets everything at once', () => {
    const staged = stage();
    staged.clear();
    expect(() => staged.row(cat, 0)).toThrow('Row 0 of embedding cat is not staged.');
  });

  test('refuses rows that are not as wide as the model', () => {
    const embedding = { embeddingKey: dog, numTokens: 2, data: new Float32Array(5) };
    expect(() => new StagedEmbeddings(2).stage(embedding)).toThrow('5 values instead of 2 × 2');
  });
});
