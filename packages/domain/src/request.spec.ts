import { describe, expect, test } from 'vitest';
import { countVisualTokens } from './request.js';
import type { Segment } from './segment.js';

const visual = (kind: 'image' | 'video', length: number) => ({ kind, length }) as Segment;

describe('countVisualTokens', () => {
  const segments: Segment[] = [
    visual('image', 4),
    { kind: 'text', offset: 4, length: 100 },
    visual('video', 8),
    visual('image', 16),
  ];

  test('adds up the placeholders of one kind', () => {
    expect(countVisualTokens({ segments }, 'image')).toBe(20);
    expect(countVisualTokens({ segments }, 'video')).toBe(8);
  });

  test('is 0 for a prompt of text', () => {
    expect(countVisualTokens({ segments: [{ kind: 'text', offset: 0, length: 5 }] }, 'image')).toBe(0);
  });
});
