import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureServers } from './ensure-servers.mjs';

describe('ensureServers', () => {
  let rootDir;
  let binDir;
  beforeEach(() => {
    rootDir = mkdtempSync(join(tmpdir(), 'tessera-'));
    binDir = join(rootDir, 'node_modules/.cache/tessera-servers/bin');
  });
  afterEach(() => rmSync(rootDir, { recursive: true }));

  /** A Debian on which the commands that match `works` do; what is done to it is noted. */
  const createHost = ({ works, isSystemdRunning = false, mayInstall = true, unpacks = true }) => {
    const host = {
      done: [],
      succeeds: async (command) => works.test(command),
      isSystemdRunning: () => isSystemdRunning,
      install: async (wanted) => {
        host.done.push(['install', ...wanted.map((server) => server.package)]);
        return mayInstall;
      },
      unpack: async (names) => {
        host.done.push(['unpack', ...names]);
        if (unpacks) host.succeeds = async () => true;
      },
    };
    return host;
  };
  const onlyApt = /apt-get/;
  const install = ['install', 'redis-server', 'nats-server'];
  const unpack = ['unpack', 'redis-server', 'nats-server'];

  it('does nothing when both servers run from PATH', async () => {
    const host = createHost({ works: /^(redis|nats)-server --version$/ });
    expect(await ensureServers(rootDir, host)).toBeUndefined();
    expect(host.done).toEqual([]);
  });

  it('does nothing when both were unpacked before, and names their folder', async () => {
    const host = createHost({ works: /tessera-servers\/bin'\/(redis|nats)-server --version$/ });
    expect(await ensureServers(rootDir, host)).toBe(binDir);
    expect(host.done).toEqual([]);
  });

  it('installs both packages when one is missing', async () => {
    const host = createHost({ works: /apt-get|^redis-server/ });
    expect(await ensureServers(rootDir, host)).toBeUndefined();
    expect(host.done).toEqual([install]);
  });

  it('unpacks where nothing may be installed', async () => {
    const host = createHost({ works: onlyApt, mayInstall: false });
    expect(await ensureServers(rootDir, host)).toBe(binDir);
    expect(host.done).toEqual([install, unpack]);
  });

  it('installs nothing where systemd would start it', async () => {
    const host = createHost({ works: onlyApt, isSystemdRunning: true });
    expect(await ensureServers(rootDir, host)).toBe(binDir);
    expect(host.done).toEqual([unpack]);
  });

  it('tells what to do on a machine without apt', async () => {
    await expect(ensureServers(rootDir, createHost({ works: /nothing/ }))).rejects.toThrow(
      /this is no Debian\.\nInstall Redis 7/,
    );
  });

  it('does not pass off servers that do not run', async () => {
    const host = createHost({ works: onlyApt, isSystemdRunning: true, unpacks: false });
    await expect(ensureServers(rootDir, host)).rejects.toThrow(/do not run/);
  });
});
