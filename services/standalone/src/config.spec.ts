import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { standaloneConfigSchema } from './config.js';

describe('standaloneConfigSchema', () => {
  it('takes up to four threads a core', () => {
    const most = 4 * availableParallelism();
    expect(standaloneConfigSchema.safeParse({ threads: most }).success).toBe(true);
    expect(standaloneConfigSchema.safeParse({ threads: most + 1 }).success).toBe(false);
  });
});
