import { describe, expect, it } from 'vitest';
import { createHealth } from './health.js';

describe('createHealth', () => {
  it('is live but not ready before its components report', () => {
    const health = createHealth(['engine', 'gateway']);
    expect(health.report()).toEqual({
      isLive: true,
      isReady: false,
      components: { engine: { state: 'starting' }, gateway: { state: 'starting' } },
    });
  });

  it('is ready when every component is', () => {
    const health = createHealth(['engine', 'gateway']);
    health.set('engine', 'ready');
    expect(health.report().isReady).toBe(false);
    health.set('gateway', 'ready');
    expect(health.report()).toMatchObject({ isLive: true, isReady: true });
  });

  it('is not ready while it stops', () => {
    const health = createHealth(['gateway']);
    health.set('gateway', 'stopping');
    expect(health.report()).toMatchObject({ isLive: true, isReady: false });
  });

  it('is not live once a component failed, and says why', () => {
    const health = createHealth(['engine']);
    health.set('engine', 'failed', 'rank 1 exited with code 139');
    expect(health.report()).toEqual({
      isLive: false,
      isReady: false,
      components: { engine: { state: 'failed', detail: 'rank 1 exited with code 139' } },
    });
  });
});
