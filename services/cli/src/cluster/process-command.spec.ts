import { expect, it } from 'vitest';
import { processCommand } from './process-command.js';

const planned = {
  name: 'gateway-0',
  service: 'gateway',
  options: { tenantSalt: 'secret', prefixCache: false },
} as const;

it('a process is told its options by the environment, and no options of the cluster', () => {
  const { args, env } = processCommand(planned, {
    PATH: '/bin',
    PORT: '80',
    TESSERA_GROUPS: '2',
    TESSERA_TEST_SIZE: '3',
  });
  expect(args.slice(1)).toEqual(['gateway', '--name', 'gateway-0']);
  expect(env).toEqual({
    PATH: '/bin',
    TESSERA_TENANT_SALT: 'secret',
    TESSERA_PREFIX_CACHE: 'false',
    TESSERA_LOG_LEVEL: 'info',
  });
});
