import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/** Files in PEM form: who signs certificates of the cell, and the one of this process. */
export interface NatsTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * What `connect` of nats gets, which it hands on to Node's TLS. nats.js 2.29 names no host for a server at an IP
 * address, so that Node takes it for `localhost`; here a certificate of any host in `servers` will do.
 */
export function createTlsOptions(tls: NatsTls, servers: readonly string[]) {
  const hosts = servers.map((url) => new URL(url).hostname.replace(/^\[|\]$/g, ''));
  return {
    ...tls,
    checkServerIdentity(hostname: string, certificate: PeerCertificate): Error | undefined {
      const complaints = [...hosts, hostname].map((host) => checkServerIdentity(host, certificate));
      return complaints.includes(undefined) ? undefined : complaints[0];
    },
  };
}
