import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A TCP connection to the server, for what no HTTP client does. */
export async function openConnection(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // The tests break connections on purpose.
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Writes a POST whose body is announced with `numBytes`, of which it may have less. */
export function writePost(socket: Socket, path: string, body: string | Uint8Array, headers: object = {}): void {
  const fields = {
    host: 'localhost',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  socket.write(body);
}
