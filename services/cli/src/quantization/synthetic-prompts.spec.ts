import { expect, it } from 'vitest';
import { drawRectangles } from './synthetic-prompts.js';

const size = { height: 20, width: 30 };

it('draws the same picture for the same seed and others for others', () => {
  expect(drawRectangles(size, 1)).toEqual(drawRectangles(size, 1));
  expect(drawRectangles(size, 1)).not.toEqual(drawRectangles(size, 2));
});

it('draws colours on all of the picture', () => {
  const pixels = drawRectangles(size, 1);
  expect(pixels).toHaveLength(20 * 30 * 3);
  expect(new Set(pixels).size).toBeGreaterThan(6);
});
