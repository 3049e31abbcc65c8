import { expect, it } from 'vitest';
import { startServer } from './support/start-server.js';

const endThreads = new URL('./support/end-threads.mjs', import.meta.url).href;

it('a server whose engine is lost ends with 1, to be started again', async () => {
  const server = await startServer({}, { NODE_OPTIONS: `--import ${endThreads}` });
  server.process.signal('SIGUSR2');
  expect(await server.process.exited).toBe(1);
  expect(server.process.output).toContain('the service is lost');
});
