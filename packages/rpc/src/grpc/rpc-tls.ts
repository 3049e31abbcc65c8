import { readFileSync } from 'node:fs';
import { type ChannelCredentials, credentials, ServerCredentials } from '@grpc/grpc-js';
import { ServingError } from '@tessera/domain';

/**
 * PEM files for TLS in both directions: each end shows its certificate and believes those that the authority signed.
 * A server's certificate must name the host under which it is dialled.
 */
export interface RpcTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Without `tls` nothing is encrypted and everybody is believed. Throws `invalid_option`, naming the file. */
export function channelCredentials(tls: RpcTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const { ca, cert, key } = readPems(tls);
  return credentials.createSsl(ca, key, cert);
}

/** The server's side: a client without a certificate of the authority is turned away. */
export function serverCredentials(tls: RpcTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const { ca, cert, key } = readPems(tls);
  return ServerCredentials.createSsl(ca, [{ private_key: key, cert_chain: cert }], true);
}

function readPems({ caFile, certFile, keyFile }: RpcTls): { ca: Buffer; cert: Buffer; key: Buffer } {
  return { ca: readPem(caFile), cert: readPem(certFile), key: readPem(keyFile) };
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new ServingError('invalid_option', `TLS needs ${file}, which cannot be read`, { file }, { cause });
  }
}
