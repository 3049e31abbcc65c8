import { hostname } from 'node:os';

const wildcards = ['0.0.0.0', '[::]'];

/**
 * Where others reach what listens on `bound`: under `host` when it is given, under the name of this machine when every
 * address of it is listened on. Addresses of unix sockets stay as they are.
 */
export function advertisedAddress(bound: string, host: string | undefined): string {
  if (bound.startsWith('unix:')) return bound;
  const portAt = bound.lastIndexOf(':');
  const boundHost = bound.slice(0, portAt);
  const ownHost = wildcards.includes(boundHost) ? hostname() : boundHost;
  return `${host ?? ownHost}${bound.slice(portAt)}`;
}
