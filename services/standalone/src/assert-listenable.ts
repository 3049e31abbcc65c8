import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Address, explainListenError } from './explain-listen-error.js';

/** Listens on an address for a moment: one that is taken is to be known before a model is loaded. ServingError `invalid_option`. */
export async function assertListenable(address: Address): Promise<void> {
  const server = createServer();
  try {
    server.listen(address.port, address.host);
    await once(server, 'listening');
  } catch (error) {
    throw explainListenError(error, address);
  }
  server.close();
  await once(server, 'close');
}
