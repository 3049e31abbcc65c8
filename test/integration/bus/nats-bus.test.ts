import { randomUUID } from 'node:crypto';
import { createNatsBus } from '@tessera/bus';
import { describeBus, startNats, type TestServer } from '@tessera/testkit';
import { afterAll, beforeAll } from 'vitest';

let nats: TestServer;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats.stop());

describeBus('NATS', async () => {
  const cell = `cell-${randomUUID()}`;
  return { connect: () => createNatsBus({ servers: [nats.url], cell, memberTtlMs: 1_500 }) };
});
