import { capture } from './run-step.mjs';

/**
 * What suites need beyond Node.js and npm: the command that must succeed, the Debian package that brings it, and the
 * test files that cannot run without it. Debian's python3 alone says yes to `-m venv --help`, but makes no environment.
 */
export const requirements = [
  { command: 'python3 -c "import ensurepip"', package: 'python3-venv', suites: ['test/e2e/python-client.test.ts'] },
];

/** What those of the test files need whose path contains a filter; no filter leaves all. */
export function requirementsOf(all, filters, testFiles) {
  if (filters.length === 0) return all;
  const left = testFiles.filter((path) => filters.some((filter) => path.includes(filter)));
  return all.filter(({ suites }) => left.some((path) => isOfSuites(path, suites)));
}

/** Whether a test file is among suites, each of which is a file or, as `folder/**`, all below a folder. */
export function isOfSuites(path, suites) {
  return suites.some((suite) => (suite.endsWith('/**') ? path.startsWith(suite.slice(0, -2)) : path === suite));
}

/** Installs what is absent where that is allowed; resolves to what is still missing. */
export async function ensureRequirements(wanted, system = debian) {
  const missing = [];
  for (const requirement of wanted) {
    if (await system.succeeds(requirement.command)) continue;
    const isInstalled = await system.install(requirement.package);
    if (!isInstalled || !(await system.succeeds(requirement.command))) missing.push(requirement);
  }
  return missing;
}

export function describeMissing({ command, package: packageName, suites }, { isCi }) {
  const consequence = isCi ? 'FAILED' : 'Not run';
  return `${consequence}: ${suites.join(', ')} needs \`${command}\` to work. Get it with: sudo apt-get install ${packageName}`;
}

const debian = {
  async succeeds(command) {
    const { exitCode } = await capture('sh', ['-c', command], {});
    return exitCode === 0;
  },

  /** Without a password prompt or not at all; false when it may not or cannot. */
  async install(packageName) {
    const sudo = await findPrivilege();
    if (sudo === undefined || !(await debian.succeeds('command -v apt-get'))) return false;
    console.log(`Installing ${packageName} (apt-get) …`);
    const aptGet = (...args) => {
      const [command, ...words] = [...sudo, ...aptGetCommand(args)];
      return capture(command, words, {});
    };
    const install = () => aptGet('install', '-y', '--no-install-recommends', packageName);
    const first = await install();
    if (first.exitCode === 0) return true;
    await aptGet('update');
    const second = await install();
    if (second.exitCode !== 0) console.log(second.output);
    return second.exitCode === 0;
  },
};

/**
 * An apt-get that asks nothing. Its runlevel is one in which init scripts of servers are not started (invoke-rc.d); sudo
 * would keep variables that are set before it from it.
 */
export function aptGetCommand(args) {
  return ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', ...args];
}

/** The words before a privileged command: none for root, sudo when it asks for no password. */
async function findPrivilege() {
  if (process.getuid?.() === 0) return [];
  const { exitCode } = await capture('sudo', ['-n', 'true'], {});
  return exitCode === 0 ? ['sudo', '-n'] : undefined;
}
