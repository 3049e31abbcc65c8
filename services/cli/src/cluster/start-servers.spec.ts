import { expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { createClusterLog } from './cluster-log.js';
import { startServers } from './start-servers.js';

/** On a machine that has no servers. */
async function start(given: Parameters<typeof startServers>[0]) {
  vi.stubEnv('PATH', await temporaryFolder());
  onTestFinished(() => void vi.unstubAllEnvs());
  const log = createClusterLog({ level: 'error' });
  const onShutdown = (_: string, close: () => void | Promise<void>) => onTestFinished(close);
  const context = { signal: new AbortController().signal, onShutdown };
  return startServers(given, { log, context, isDebug: false });
}

const urls = { nats: 'nats://host:1', redis: 'redis://host:2' };

it('servers that are given need no program', async () => {
  expect(await start(urls)).toEqual({ ...urls, processes: [] });
});

for (const name of ['nats', 'redis'] as const) {
  it(`says how to get ${name}-server, or to name one, when it is not there`, async () => {
    await expect(start({ ...urls, [name]: undefined })).rejects.toMatchObject({
      reason: 'server_not_found',
      facts: { binary: `${name}-server` },
      message: expect.stringMatching(
        new RegExp(
          `^Cannot run ${name}-server: .*install-servers\\.mjs.*\\. Or name one .* --${name} ${name}://host:port\\.$`,
        ),
      ),
    });
  });
}
