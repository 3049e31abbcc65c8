import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { longAnswer } from './support/questions.js';
import { startServer } from './support/start-server.js';
import { runTessera } from './support/tessera-process.js';

describe('a signal', () => {
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    it(`lets a stream finish (${name}), then ends the server with 0`, async () => {
      const server = await startServer();
      const events = server.api.stream({ ...longAnswer(150), stream_options: { include_usage: true } });
      await events.next();
      server.process.signal(name);
      const rest: string[] = [];
      for await (const event of events) rest.push(event);
      expect(rest.at(-1)).toBe('[DONE]');
      expect(JSON.parse(rest.at(-2)!).usage.completion_tokens).toBe(150);
      expect(await server.process.exited).toBe(0);
    });
  }

  it('answers new requests with 503 while a stream finishes, and says what it waits for', async () => {
    const server = await startServer({ 'log-level': 'info' });
    const events = server.api.stream(longAnswer(600));
    await events.next();
    server.process.signal('SIGTERM');
    await server.process.printed(/waiting for 1 request to end, at most 30 s/);
    const refused = await server.api.post('/v1/chat/completions', longAnswer(1));
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    for await (const _ of events);
    expect(await server.process.exited).toBe(0);
    expect(server.process.output).toContain(
      'SIGTERM: shutting down; a second signal or Ctrl-C ends the process at once',
    );
    expect(server.process.output).not.toContain('"stack"');
  });

  it('breaks answers off that take longer than --grace-ms, and says so', async () => {
    const server = await startServer({ 'grace-ms': 50 });
    const events = server.api.stream(longAnswer(4000));
    await events.next();
    server.process.signal('SIGTERM');
    const rest: string[] = [];
    for await (const event of events) rest.push(event);
    expect(JSON.parse(rest.at(-1)!)).toMatchObject({ error: { type: 'server_error', code: 'shutting_down' } });
    expect(await server.process.exited).toBe(0);
    expect(server.process.output).not.toContain('"stack"');
  });
});

describe('starting', () => {
  let engineCache: string;
  beforeAll(async () => {
    engineCache = await mkdtemp(join(tmpdir(), 'tessera-engines-'));
  });
  afterAll(() => rm(engineCache, { recursive: true }));

  it('ends at once when a signal comes while it compiles', async () => {
    const starting = runTessera(['serve', '--port', '0', '--engine-cache', engineCache]);
    const isCompiling = async () => (await readdir(engineCache, { recursive: true })).some(isPartial);
    await expect.poll(isCompiling, { interval: 5, timeout: 20_000 }).toBe(true);
    starting.signal('SIGINT');
    expect(await starting.exited).toBe(0);
    expect(starting.output).not.toContain('Tessera serves');
  });

  it('compiles an engine once', async () => {
    const start = () => startServer({ 'engine-cache': engineCache, 'log-level': 'info' });
    const first = await start();
    await first.stop();
    expect(first.process.output).toContain('"isReused":false');
    const compiled = await readdir(engineCache, { recursive: true });
    expect(compiled.filter(isPartial)).toEqual([]);

    const second = await start();
    await second.stop();
    expect(second.process.output).toContain('"isReused":true');
    expect(await readdir(engineCache, { recursive: true })).toEqual(compiled);
  });

  function isPartial(path: string): boolean {
    return path.endsWith('.partial');
  }

  it('prints the address as its one line when nothing else is worth saying', async () => {
    const server = await startServer();
    await server.stop();
    expect(server.process.output).toMatch(
      /^Tessera serves tessera-tiny at http:\/\/127\.0\.0\.1:\d+ \(ready in \d+\.\d s, Ctrl-C stops it\)\n$/,
    );
  });
});
