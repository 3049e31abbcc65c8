import { type LaunchOptions, launchServer, type ServerProcess } from './launch-server.js';
import type { ServerCommand } from './server-command.js';

/** Starts a server and resolves when it is ready; rejects as `LaunchedServer.ready` does. */
export async function startServer(command: ServerCommand, options: LaunchOptions = {}): Promise<ServerProcess> {
  const server = launchServer(command, options);
  await server.ready;
  return server;
}
