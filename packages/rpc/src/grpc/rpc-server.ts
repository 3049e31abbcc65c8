import type { DescService } from '@bufbuild/protobuf';
import { Server, type ServerCredentials } from '@grpc/grpc-js';
import { ServingError } from '@tessera/domain';
import { freeUnixSocket } from './free-unix-socket.js';
import { type RpcTls, serverCredentials } from './rpc-tls.js';
import { serviceDefinition } from './service-definition.js';
import { type ServiceHandlers, serviceImplementation } from './service-handlers.js';
import { serverOptions } from './wire-options.js';

/** Services behind one or more addresses. */
export interface RpcServer {
  addService<Service extends DescService>(service: Service, handlers: ServiceHandlers<Service>): void;
  /** For handlers that answer an error within a stream, which goes on; what they throw is reported without it. */
  report(error: unknown, method: string): void;
  /**
   * Listens on `host:port` (0 takes a free port) or `unix:/path`, and returns the address with the port taken. Throws
   * `invalid_option` when it cannot.
   */
  listen(address: string): Promise<string>;
  /** Takes no more calls, lets those that run end within `graceMs`, then cuts them off. */
  close(graceMs: number): Promise<void>;
}

export interface RpcServerOptions {
  /** Without it everybody is served and nothing is encrypted. */
  readonly tls?: RpcTls | undefined;
  /**
   * Told of errors that nobody meant to throw: their callers learn no more than the message. ServingErrors and what a
   * lost caller or an aborted signal ends are part of the day. Default: nobody is told.
   */
  readonly onError?: (error: unknown, method: string) => void;
}

export function createRpcServer({ tls, onError }: RpcServerOptions = {}): RpcServer {
  const server = new Server(serverOptions);
  const credentials = serverCredentials(tls);
  const report = (error: unknown, method: string): void => {
    if (isUnexpected(error)) onError?.(error, method);
  };
  return {
    addService: (service, handlers) =>
      server.addService(serviceDefinition(service), serviceImplementation(service, handlers, report)),
    report,
    listen: async (address) => {
      if (address.startsWith(unixScheme)) await freeUnixSocket(address.slice(unixScheme.length));
      return bind(server, address, credentials);
    },
    close: (graceMs) => shutDown(server, graceMs),
  };
}

function isUnexpected(error: unknown): boolean {
  if (error instanceof ServingError) return false;
  return !(error instanceof Error && (error.name === 'AbortError' || ('code' in error && error.code === callerGone)));
}

/** What reading from a caller that is gone fails with. */
const callerGone = 'ERR_STREAM_PREMATURE_CLOSE';

const unixScheme = 'unix:';

function bind(server: Server, address: string, credentials: ServerCredentials): Promise<string> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause, port) => {
      if (cause) reject(new ServingError('invalid_option', `cannot listen on ${address}`, { address }, { cause }));
      else resolve(address.startsWith(unixScheme) ? address : address.replace(/:\d+$/, `:${port}`));
    });
  });
}

function shutDown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const cut = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown((error) => {
      clearTimeout(cut);
      if (error) reject(error);
      else resolve();
    });
  });
}
