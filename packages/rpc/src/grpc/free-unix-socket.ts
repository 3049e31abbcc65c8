import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';

/** Removes the socket that a killed server left at `path`. One that somebody listens on stays, and so does any other file. */
export async function freeUnixSocket(path: string): Promise<void> {
  const isSocket = await stat(path).then(
    (file) => file.isSocket(),
    () => false,
  );
  if (isSocket && (await isAbandoned(path))) await rm(path, { force: true });
}

async function isAbandoned(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}
