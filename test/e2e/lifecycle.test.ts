import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { longAnswer } from './support/questions.js';
import { startServer } from './support/start-server.js';
import { runTessera, sharedEngineCache } from './support/tessera-process.js';

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

  it('refuses new requests while a stream finishes', async () => {
    const server = await startServer();
    const events = server.api.stream(longAnswer(300));
    await events.next();
    server.process.signal('SIGTERM');
    await expect.poll(() => fetch(`${server.url}/health/live`).catch(() => 'refused')).toBe('refused');
    for await (const _ of events);
    expect(await server.process.exited).toBe(0);
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

  it('compiles an engine once, and is ready in seconds the next time', async () => {
    const start = () => startServer({ 'engine-cache': engineCache, 'log-level': 'info' });
    const first = await start();
    await first.stop();
    expect(first.process.output).toContain('"isReused":false');
    const compiled = await readdir(engineCache, { recursive: true });
    expect(compiled.filter(isPartial)).toEqual([]);

    const startMs = performance.now();
    const second = await start();
    expect(performance.now() - startMs).toBeLessThan(5_000);
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

describe.concurrent('a start that cannot succeed', () => {
  const failures: [title: string, args: string[], message: RegExp, env?: Record<string, string>][] = [
    ['a word for a number', ['--port', 'http'], /--port .*expected number.*"http"/],
    ['a number out of range', ['--max-images', '0'], /--max-images .*>0; given: 0/],
    ['an unknown form of weights', ['--weights', 'int3'], /--weights .*"fp32".*"int3"/],
    ['an unknown option', ['--prot', '1'], /unknown option '--prot'/],
    ['a bad variable', [], /--max-images \(TESSERA_MAX_IMAGES\).*"x"/, { TESSERA_MAX_IMAGES: 'x' }],
    ['an unknown variable', [], /TESSERA_PROT is no option/, { TESSERA_PROT: '1' }],
    ['a model that is not there', ['--model', 'models/none'], /models\/none is not a folder/],
    ['a folder without a model', ['--model', 'docs'], /no config\.json in .*docs/],
    ['a degree that does not divide the model', ['--tp', '5'], /--tp 5: .*6 attention heads/],
    ['a context above the model', ['--max-context-len', '4097'], /--max-context-len 4097 is above 4096/],
    [
      'a folder for files that is not there',
      ['--files-dir', 'docs/none'],
      /--files-dir docs\/none must be an existing/,
    ],
    ['an address of another machine', ['--host', '192.0.2.1'], /--host 192\.0\.2\.1 is no address of this machine/],
  ];
  for (const [title, args, message, env] of failures) {
    it(`names the option: ${title}`, async () => {
      const port = args.includes('--port') ? [] : ['--port', '0'];
      const failed = runTessera(['serve', '--engine-cache', sharedEngineCache, ...port, ...args], env);
      expect(await failed.exited).toBe(1);
      expect(failed.output).toMatch(message);
      expect(failed.output).not.toContain('Tessera serves');
    });
  }

  it('names the port that is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const failed = runTessera(['serve', '--engine-cache', sharedEngineCache, '--port', String(port)]);
    expect(await failed.exited).toBe(1);
    expect(failed.output).toMatch(new RegExp(`--port ${port} is taken by another process on 127\\.0\\.0\\.1`));
    other.close();
  });
});
