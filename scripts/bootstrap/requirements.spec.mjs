import { describe, expect, it } from 'vitest';
import {
  aptGetCommand,
  describeMissing,
  ensureRequirements,
  isOfSuites,
  requirements,
  requirementsOf,
} from './requirements.mjs';

const python = { command: 'python3', package: 'python3-minimal', suites: ['test/e2e/client.test.ts'] };

/** A machine on which `commands` are there and installing succeeds when `mayInstall`. */
function machine({ commands, mayInstall }) {
  const installed = [];
  return {
    installed,
    succeeds: async (command) => commands.includes(command),
    install: async (packageName) => {
      installed.push(packageName);
      if (mayInstall) commands.push('python3');
      return mayInstall;
    },
  };
}

describe('requirements', () => {
  it('are of a Python that can make a virtual environment', () => {
    expect(requirements.map((requirement) => requirement.package)).toEqual(['python3-venv']);
    expect(requirements[0].command).toContain('ensurepip');
  });
});

describe('requirementsOf', () => {
  const servers = { command: 'redis-server', package: 'redis-server', suites: ['test/e2e/cluster/**'] };
  const testFiles = ['test/e2e/client.test.ts', 'test/e2e/cluster/faults.test.ts', 'test/load/gateway.test.ts'];
  const neededBy = (...filters) => requirementsOf([python, servers], filters, testFiles);

  it('is everything when all suites run', () => expect(neededBy()).toEqual([python, servers]));
  it('is what a filtered suite needs', () => expect(neededBy('unit', 'e2e/cli')).toEqual([python]));
  it('is what a folder needs that has a filtered suite', () => expect(neededBy('faults')).toEqual([servers]));
  it('is nothing when no such suite runs', () => expect(neededBy('gateway')).toEqual([]));
});

describe('isOfSuites', () => {
  const suites = ['test/load/soak.test.ts', 'test/e2e/cluster/**'];
  const cases = [
    ['test/load/soak.test.ts', true],
    ['test/e2e/cluster/support/start.test.ts', true],
    ['test/e2e/clusters.test.ts', false],
    ['test/load/soak.test.ts.snap', false],
  ];
  for (const [path, isOf] of cases) {
    it(`says ${isOf} of ${path}`, () => expect(isOfSuites(path, suites)).toBe(isOf));
  }
});

describe('aptGetCommand', () => {
  it('asks nothing and starts no servers, also behind sudo', () => {
    expect(aptGetCommand(['update']).join(' ')).toBe('env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get update');
  });
});

describe('ensureRequirements', () => {
  it('installs nothing that is there', async () => {
    const system = machine({ commands: ['python3'], mayInstall: true });
    expect(await ensureRequirements([python], system)).toEqual([]);
    expect(system.installed).toEqual([]);
  });

  it('installs the package of an absent command', async () => {
    const system = machine({ commands: [], mayInstall: true });
    expect(await ensureRequirements([python], system)).toEqual([]);
    expect(system.installed).toEqual(['python3-minimal']);
  });

  it('reports what it could not install', async () => {
    expect(await ensureRequirements([python], machine({ commands: [], mayInstall: false }))).toEqual([python]);
  });

  it('reports a package that does not bring its command', async () => {
    const other = { ...python, command: 'python4' };
    expect(await ensureRequirements([other], machine({ commands: [], mayInstall: true }))).toEqual([other]);
  });
});

describe('describeMissing', () => {
  it('names the suite, the command and how to get it', () => {
    const line = describeMissing(python, { isCi: false });
    expect(line).toBe(
      'Not run: test/e2e/client.test.ts needs `python3` to work. Get it with: sudo apt-get install python3-minimal',
    );
  });

  it('calls it a failure in CI', () => expect(describeMissing(python, { isCi: true })).toMatch(/^FAILED/));
});
