#!/usr/bin/env node
// Gets the servers that a cluster on one machine and the integration suites run: node: modules only.
import { fileURLToPath } from 'node:url';
import { StepFailure } from './bootstrap/run-step.mjs';
import { ensureServers } from './install-servers/ensure-servers.mjs';

const rootDir = fileURLToPath(new URL('..', import.meta.url));

try {
  const binDir = await ensureServers(rootDir);
  if (binDir === undefined) console.log('redis-server and nats-server are on PATH.');
  else console.log(`redis-server and nats-server are unpacked. Use them with: export PATH="${binDir}:$PATH"`);
} catch (error) {
  if (!(error instanceof StepFailure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
