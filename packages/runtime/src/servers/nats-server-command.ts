import type { LocalServerOptions, ServerCommand } from './server-command.js';

/** A NATS server with JetStream, which keeps its streams in the folder. */
export function natsServerCommand({ port, dir }: LocalServerOptions): ServerCommand {
  return {
    binary: 'nats-server',
    args: ['--addr', '127.0.0.1', '--port', `${port}`, '--jetstream', '--store_dir', dir],
    readyWhen: /Server is ready/,
  };
}
