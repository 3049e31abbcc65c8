import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRpcServer, type RpcServer, type RpcServerOptions } from '../grpc/rpc-server.js';
import type { RpcTls } from '../grpc/rpc-tls.js';

/** Somewhere that servers can listen, gone without a trace once closed. */
export interface RpcWorld {
  readonly tls: RpcTls | undefined;
  /** Starts a server with what `add` puts on it and returns its address. */
  serve(
    add: (server: RpcServer) => void,
    onError?: RpcServerOptions['onError'],
  ): Promise<{ address: string; server: RpcServer }>;
  close(): Promise<void>;
}

/** The two ways in which processes of a cluster meet. */
export const rpcWorlds: readonly (readonly [name: string, create: () => RpcWorld])[] = [
  ['a unix socket', () => createWorld((folder, name) => `unix:${join(folder, name)}`)],
  ['TLS on the loopback', () => createWorld(() => '127.0.0.1:0', createCertificates)],
];

function createWorld(
  addressOf: (folder: string, name: string) => string,
  createTls?: (folder: string) => RpcTls,
): RpcWorld {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-rpc-'));
  const tls = createTls?.(folder);
  const servers: RpcServer[] = [];
  return {
    tls,
    serve: async (add, onError = () => {}) => {
      const server = createRpcServer({ tls, onError });
      add(server);
      const address = await server.listen(addressOf(folder, `socket-${servers.length}`));
      servers.push(server);
      return { address, server };
    },
    close: async () => {
      await Promise.all(servers.map((server) => server.close(0)));
      rmSync(folder, { recursive: true });
    },
  };
}

/** An authority of its own and one certificate of it, for 127.0.0.1. */
export function createCertificates(folder: string): RpcTls {
  const [caFile, caKeyFile] = [join(folder, 'ca.pem'), join(folder, 'ca-key.pem')];
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1'.split(' ');
  const openssl = (...args: string[]) => execFileSync('openssl', [...request, ...args], { stdio: 'pipe' });
  openssl('-keyout', caKeyFile, '-out', caFile, '-subj', '/CN=authority');
  const signed = ['-CA', caFile, '-CAkey', caKeyFile, '-addext', 'subjectAltName=IP:127.0.0.1'];
  openssl('-keyout', keyFile, '-out', certFile, '-subj', '/CN=member', ...signed);
  return { caFile, certFile, keyFile };
}
