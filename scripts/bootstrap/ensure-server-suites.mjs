import { ensureServers } from '../install-servers/ensure-servers.mjs';
import { requirementsOf } from './requirements.mjs';
import { StepFailure } from './run-step.mjs';

/** What suites with real Redis and NATS servers need, in the form of `requirements`. */
export const serverRequirement = {
  command: 'redis-server --version && nats-server --version',
  package: 'redis-server nats-server',
  suites: [
    'test/integration/bus/**',
    'test/integration/kv/**',
    'test/e2e/cluster/**',
    'test/e2e/pages.test.ts',
    'test/load/mixed-requests.test.ts',
  ],
};

/**
 * Puts the servers on PATH, installed if need be, when the filters leave a suite that runs them; resolves to what is
 * missing, none or the one requirement.
 */
export async function ensureServerSuites({ rootDir, filters, testFiles, env = process.env, ensure = ensureServers }) {
  if (requirementsOf([serverRequirement], filters, testFiles).length === 0) return [];
  try {
    const binDir = await ensure(rootDir);
    if (binDir !== undefined) env.PATH = `${binDir}:${env.PATH}`;
    return [];
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    console.log(error.message);
    return [serverRequirement];
  }
}
