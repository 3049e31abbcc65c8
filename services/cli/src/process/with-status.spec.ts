import { createHealth, createLogger, type Health } from '@tessera/runtime';
import { expect, it, onTestFinished } from 'vitest';
import type { ProcessParts } from './run-process.js';
import { type Started, withStatus } from './with-status.js';

/** A service that starts when the test lets it, and what is told of it over HTTP. */
function startSlowly() {
  const urls: string[] = [];
  const losses: Error[] = [];
  const stream = { write: (line: string) => urls.push(JSON.parse(line).url) };
  const parts = {
    logger: createLogger({ name: 'test', stream, isPretty: false }),
    context: { onShutdown: (_name: string, close: () => void) => onTestFinished(close) },
    lose: (error: Error) => losses.push(error),
  } as unknown as ProcessParts;
  let finish: (started: Started) => void = () => {};
  const starting = new Promise<Started>((resolve) => {
    finish = resolve;
  });
  const started = withStatus('127.0.0.1:0', parts, () => starting);
  const statusOf = async (what: string) => (await fetch(`${urls[0]}/health/${what}`)).status;
  return { urls, losses, finish, started, statusOf };
}

function readyHealth(): Health {
  const health = createHealth(['engine']);
  health.set('engine', 'ready');
  return health;
}

it('a service lives from the beginning and is ready once it was started', async () => {
  const { urls, finish, started, statusOf } = startSlowly();
  await expect.poll(() => urls.length).toBe(1);
  expect([await statusOf('live'), await statusOf('ready')]).toEqual([200, 503]);
  finish({ health: readyHealth() });
  await started;
  expect([await statusOf('live'), await statusOf('ready')]).toEqual([200, 200]);
});

it('a service that is lost takes its process along', async () => {
  const { losses, finish, started } = startSlowly();
  const loss = new Error('the engine is gone');
  finish({ health: readyHealth(), lost: Promise.resolve(loss) });
  await started;
  await expect.poll(() => losses).toEqual([loss]);
});
