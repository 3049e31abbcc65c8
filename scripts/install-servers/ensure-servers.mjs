import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureRequirements } from '../bootstrap/requirements.mjs';
import { capture, StepFailure } from '../bootstrap/run-step.mjs';
import { withLock } from '../bootstrap/with-lock.mjs';
import { unpackServers } from './unpack-servers.mjs';

/** What must run, and the Debian packages that bring it. */
export const servers = ['redis-server', 'nats-server'].map((name) => ({ command: `${name} --version`, package: name }));

const howElse =
  'Install Redis 7 or later and NATS server 2.9 or later by other means, so that redis-server and nats-server are on PATH.';

/**
 * Returns the folder that has to go on PATH for `redis-server` and `nats-server`, undefined when they are on it.
 *
 * Debian's packages are installed where that starts nothing: on a machine without systemd, where init scripts go by the
 * runlevel that apt-get is given. Elsewhere, and where nothing may be installed, the same files are only unpacked, into
 * `node_modules/.cache/tessera-servers`.
 */
export async function ensureServers(rootDir, host = thisMachine) {
  if (await hasAll(host, servers)) return undefined;
  const dir = join(rootDir, 'node_modules/.cache/tessera-servers');
  const binDir = join(dir, 'bin');
  const unpacked = servers.map(({ command }) => ({ command: `'${binDir}'/${command}` }));
  return withLock(`${dir}.lock`, async () => {
    if (await hasAll(host, unpacked)) return binDir;
    if (!(await host.succeeds('command -v apt-get'))) {
      throw new StepFailure(`redis-server and nats-server are not on PATH, and this is no Debian.\n${howElse}`);
    }
    if (!host.isSystemdRunning() && (await host.install(servers))) return undefined;
    await host.unpack(
      servers.map((server) => server.package),
      dir,
    );
    if (await hasAll(host, unpacked)) return binDir;
    throw new StepFailure(`The servers unpacked into ${dir} do not run.\n${howElse}`);
  });
}

async function hasAll(host, wanted) {
  for (const { command } of wanted) {
    if (!(await host.succeeds(command))) return false;
  }
  return true;
}

const thisMachine = {
  async succeeds(command) {
    const { exitCode } = await capture('sh', ['-c', command], {});
    return exitCode === 0;
  },

  isSystemdRunning: () => existsSync('/run/systemd/system'),

  async install(wanted) {
    const missing = await ensureRequirements(wanted);
    return missing.length === 0;
  },

  unpack: unpackServers,
};
