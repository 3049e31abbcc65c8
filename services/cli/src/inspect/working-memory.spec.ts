import { validateModelConfig } from '@tessera/qwen2-5-vl';
import { describe, expect, it } from 'vitest';
import { publishedConfig } from '../random-checkpoint/published-config.js';
import { publishedSizes } from './published-sizes.js';
import { describeWorkingPart, estimateWorkingMemory, type WorkLimits, workingParts } from './working-memory.js';

const subject = {
  config: validateModelConfig(publishedConfig(publishedSizes['3b'], 36)),
  kvCacheTokens: 4096,
  tokenizerFileBytes: 7_000_000,
};
const limits: WorkLimits = {
  threads: 2,
  maxSequences: 16,
  maxStepTokens: 512,
  encodeBatchPatches: 512,
  embeddingCacheBytes: 33_000_000,
  mediaProcesses: 2,
  imagePixels: 448 * 448,
};

const estimate = (changed: Partial<WorkLimits> = {}) => estimateWorkingMemory(subject, { ...limits, ...changed });

describe('estimateWorkingMemory', () => {
  it('is what a 3B was seen to take', () => {
    const { step, pictures, tokenizer } = estimate();
    for (const [bytes, seenBytes] of [
      [step, 190e6],
      [pictures, 190e6],
      [tokenizer, 116e6],
    ]) {
      expect(Math.abs(bytes! / seenBytes! - 1)).toBeLessThan(0.15);
    }
  });

  it('grows with each limit, in its own part alone', () => {
    const before = estimate();
    for (const [changed, part] of [
      [{ maxStepTokens: 1024 }, 'step'],
      [{ maxSequences: 64 }, 'step'],
      [{ threads: 16 }, 'step'],
      [{ imagePixels: 1092 * 1092 }, 'pictures'],
      [{ encodeBatchPatches: 4096 }, 'pictures'],
      [{ embeddingCacheBytes: 2 ** 29 }, 'embeddings'],
      [{ mediaProcesses: 4 }, 'pictureDecoders'],
    ] as const) {
      const after = estimate(changed);
      expect(after[part]).toBeGreaterThan(before[part]);
      expect({ ...after, [part]: 0 }).toEqual({ ...before, [part]: 0 });
    }
  });

  it('takes no more for pictures that are encoded together than for a larger one', () => {
    expect(estimate({ encodeBatchPatches: 1024 })).toEqual(estimate());
  });

  it('takes as much more for a picture as it has more pixels', () => {
    expect(estimate({ imagePixels: 3 * 448 * 448 }).pictures).toBeCloseTo(3 * estimate().pictures, -1);
  });
});

describe('describeWorkingPart', () => {
  it('names each part differently', () => {
    const titles = workingParts.map((part) => describeWorkingPart(part, limits).title);
    expect(new Set(titles).size).toBe(titles.length);
  });
});
