import { redisServerCommand } from '@tessera/runtime';
import { TestServer } from './test-server.js';

/** A real Redis, empty; a restart empties it. Throws when redis-server is not on PATH. */
export function startRedis(): Promise<TestServer> {
  return TestServer.start('redis', redisServerCommand);
}
