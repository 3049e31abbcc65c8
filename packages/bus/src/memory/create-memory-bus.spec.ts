import { describeBus } from '@tessera/testkit';
import { describe, expect, it } from 'vitest';
import { createMemoryBus } from './create-memory-bus.js';
import { MemoryHub } from './memory-hub.js';

describeBus('memory', async () => {
  const hub = new MemoryHub();
  return { connect: async () => createMemoryBus(hub) };
});

describe('createMemoryBus', () => {
  it('keeps hubs apart', async () => {
    const [bus, other] = [createMemoryBus(new MemoryHub()), createMemoryBus(new MemoryHub())];
    const { signal } = new AbortController();
    const campaign = (from: typeof bus) => from.campaign({ name: 'leader', candidate: 'a', ttlMs: 100, signal });
    expect([campaign(bus).state, campaign(other).state]).toEqual(['leading', 'leading']);
  });

  it('is no bus any more once it is closed', async () => {
    const bus = createMemoryBus(new MemoryHub());
    await bus.close();
    const member = { kind: 'gateway', id: 'g', address: 'host:1', incarnation: 'i', facts: {} } as const;
    await expect(bus.announce(member)).rejects.toThrow('g was announced on a closed bus');
  });
});
