import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server that a test can cut, as the death of the server's process does. */
export interface CuttableLink {
  readonly address: string;
  /** Ends every connection without a word and takes no more. */
  cut(): void;
}

export async function createCuttableLink(target: string): Promise<CuttableLink> {
  const sockets = new Set<Socket>();
  const listener = createServer((near) => {
    const far = connectTo(target);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('close', () => to.destroy());
      from.on('error', () => {
        // The other end of a cut connection; its close is what counts.
      });
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    address: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    cut: () => {
      listener.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function connectTo(target: string): Socket {
  if (target.startsWith('unix:')) return connect(target.slice('unix:'.length));
  const { hostname, port } = new URL(`tcp://${target}`);
  return connect(Number(port), hostname);
}
