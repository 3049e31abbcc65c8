import { fileURLToPath } from 'node:url';
import { envName, type ServerCommand } from '@tessera/runtime';
import type { PlannedProcess } from './plan-cluster.js';

const main = fileURLToPath(new URL('../main.js', import.meta.url));

/** What each service says in its log, at level info, when it does its work. */
const readyWhen = /"msg":"(?:decoder|vision encoder|scheduler|gateway) ready"/;

/** How this machine runs something of a cluster. */
export interface ProcessCommand extends ServerCommand {
  /** Its whole environment. */
  readonly env: NodeJS.ProcessEnv;
}

/** A planned process: its name is among its arguments, its options are in the environment, where others see no secrets. */
export function processCommand({ name, service, options }: PlannedProcess, env = process.env): ProcessCommand {
  const logLevel = options.logLevel === 'debug' ? 'debug' : 'info';
  const variables = Object.entries({ ...options, logLevel }).map(([option, value]) => [envName(option), String(value)]);
  return {
    binary: process.execPath,
    args: [main, service, '--name', name],
    readyWhen,
    env: { ...withoutOptions(env), ...Object.fromEntries(variables) },
  };
}

/** The environment without what are options of the cluster. */
function withoutOptions(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(?:TESSERA_.*|PORT)$/.test(name)));
}
