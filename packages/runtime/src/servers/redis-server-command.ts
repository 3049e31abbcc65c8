import type { LocalServerOptions, ServerCommand } from './server-command.js';

/** A Redis that forgets everything when it ends: what is in it can be rebuilt. */
export function redisServerCommand({ port, dir }: LocalServerOptions): ServerCommand {
  return {
    binary: 'redis-server',
    args: ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', dir, '--save', '', '--appendonly', 'no'],
    readyWhen: /Ready to accept connections/,
  };
}
