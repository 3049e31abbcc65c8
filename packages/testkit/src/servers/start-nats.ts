import { natsServerCommand } from '@tessera/runtime';
import { TestServer } from './test-server.js';

/** A real NATS server with JetStream, empty; its streams survive a restart. Throws when nats-server is not on PATH. */
export function startNats(): Promise<TestServer> {
  return TestServer.start('nats', natsServerCommand);
}
