import { ensureServers } from '../install-servers/ensure-servers.mjs';
import { StepFailure } from './run-step.mjs';

/** What suites with real Redis and NATS servers need, in the form of `requirements`. */
export const serverRequirement = {
  command: 'redis-server --version && nats-server --version',
  package: 'redis-server nats-server',
  suites: [
    'test/integration/bus/**',
    'test/integration/decoder/**',
    'test/integration/kv/**',
    'test/integration/vision-encoder/**',
    'test/e2e/cluster/**',
    'test/e2e/pages.test.ts',
  ],
};

/** Puts the servers on PATH, installed if need be; resolves to what is missing, none or the one requirement. */
export async function ensureServerSuites(rootDir, env = process.env, ensure = ensureServers) {
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
