import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runTessera, sharedEngineCache } from './support/tessera-process.js';

describe.concurrent('a start that cannot succeed', () => {
  const failures: [title: string, args: string[], message: RegExp, env?: Record<string, string>][] = [
    ['a word for a number', ['--port', 'http'], /--port: expected number; given: "http"/],
    ['a number out of range', ['--max-images', '0'], /--max-images: .*>0; given: 0/],
    ['an unknown form of weights', ['--weights', 'int3'], /--weights .*int3/],
    ['an unknown option', ['--prot', '1'], /unknown option '--prot'/],
    ['a bad variable', [], /^tessera: TESSERA_MAX_IMAGES \(option --max-images\): .*"x"/m, { TESSERA_MAX_IMAGES: 'x' }],
    ['an unknown variable', [], /TESSERA_PROT is no option/, { TESSERA_PROT: '1' }],
    ['a model that is not there', ['--model', 'models/none'], /models\/none is not a folder/],
    ['a folder without a model', ['--model', 'docs'], /no config\.json in .*docs/],
    ['a degree that does not divide the model', ['--tp', '5'], /--tp 5: .*6 attention heads/],
    ['a context above the model', ['--max-context-len', '4097'], /--max-context-len 4097 is above 4096/],
    [
      'a cache for no prompt',
      ['--kv-cache-bytes', '1000'],
      /--kv-cache-bytes 1000 .* at least 512, which take \d+ bytes/,
    ],
    ['a cache above what a memory holds', ['--kv-cache-tokens', '99000000'], /99000000 positions is above \d+/],
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
      const quiet = ['--engine-cache', sharedEngineCache, '--log-level', 'warn'];
      const failed = runTessera(['serve', ...quiet, ...port, ...args], env);
      expect(await failed.exited).toBe(1);
      expect(failed.output).toMatch(message);
      expect(failed.output).not.toContain('Tessera serves');
      expect(failed.output).toMatch(/^(tessera|error): .+\n/);
      expect(failed.output).not.toMatch(/^( +at |\{)/m);
    });
  }

  it('names the port that is taken, before an engine is compiled', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const engineCache = await mkdtemp(join(tmpdir(), 'tessera-engines-'));
    const failed = runTessera(['serve', '--engine-cache', engineCache, '--port', String(port)]);
    expect(await failed.exited).toBe(1);
    expect(failed.output).toMatch(new RegExp(`--port ${port} is taken by another process on 127\\.0\\.0\\.1`));
    expect(await readdir(engineCache)).toEqual([]);
    await rm(engineCache, { recursive: true });
    other.close();
  });
});
