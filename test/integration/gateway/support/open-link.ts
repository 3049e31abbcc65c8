import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server that a test disturbs; the server itself notices nothing, nor do others that talk to it. */
export interface Link {
  readonly address: string;
  /** Ends every connection without a word. It takes new ones. */
  cut(): void;
  /** Holds back what is said in either direction until `resume`; connections stay and new ones are taken. */
  stall(): void;
  resume(): void;
  close(): void;
}

export async function openLink(target: string): Promise<Link> {
  const { hostname, port } = new URL(`tcp://${target}`);
  const flows = new Map<Socket, Socket>();
  let isStalled = false;
  const join = (from: Socket, to: Socket): void => {
    flows.set(from, to);
    if (!isStalled) from.pipe(to);
    // The other end of a cut connection; its close is what counts.
    from.on('error', () => {});
    from.on('close', () => {
      flows.delete(from);
      to.destroy();
    });
  };
  const listener = createServer((near) => {
    const far = connect(Number(port), hostname);
    join(near, far);
    join(far, near);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const cut = (): void => {
    for (const from of flows.keys()) from.destroy();
  };
  return {
    address: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    cut,
    stall() {
      isStalled = true;
      for (const [from, to] of flows) from.unpipe(to).pause();
    },
    resume() {
      isStalled = false;
      for (const [from, to] of flows) from.pipe(to);
    },
    close() {
      cut();
      listener.close();
    },
  };
}
