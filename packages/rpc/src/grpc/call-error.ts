import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { errorCatalogue, ServingError, serializeError } from '@tessera/domain';
import { parseJsonObject, receivedError } from '../convert/received-error.js';

/** Who is called, and what it means when it is gone: both reasons are UNAVAILABLE. */
export interface Peer {
  readonly address: string;
  readonly lostReason: 'worker_failed' | 'not_ready';
}

const trailer = 'tessera-error-bin';

/** HTTP/2 trailers are small: Node.js ends a connection over more than 64 KiB of them. */
const maxMessageLen = 4096;

/** The status with which a handler's error goes to the caller, its reason, message and facts in the trailer. */
export function statusOf(error: unknown): StatusObject {
  const { reason, message, facts } = serializeError(error);
  const carried = { reason, message: wellFormed(message.slice(0, maxMessageLen)), facts };
  const metadata = new Metadata();
  metadata.set(trailer, Buffer.from(JSON.stringify(carried)));
  return { code: status[errorCatalogue[reason]], details: carried.message, metadata };
}

/** What a call failed with: the handler's own error, or the loss of the peer. */
export function errorOf(error: unknown, peer: Peer): ServingError {
  if (error instanceof ServingError) return error;
  if (!isServiceError(error)) return new ServingError('internal', `${peer.address}: ${error}`, {}, { cause: error });
  return carriedError(error) ?? wireError(error, peer);
}

/** The peer is gone, or was never there. */
export function lostError(peer: Peer, why: string, cause?: unknown): ServingError {
  return new ServingError(peer.lostReason, `${peer.address}: ${why}`, { address: peer.address }, { cause });
}

function carriedError({ metadata }: ServiceError): ServingError | undefined {
  const [bytes] = metadata?.get(trailer) ?? [];
  if (!Buffer.isBuffer(bytes)) return undefined;
  const carried = parseJsonObject(bytes.toString());
  return carried && receivedError(carried);
}

/**
 * An error that no handler sent. A connection that ends says UNAVAILABLE, or CANCELLED or a reset of the stream when
 * the peer tore it down; a deadline here is the wire's patience, not the request's. The rest are mistakes of ours:
 * messages that are too large or cannot be read, a method that the peer does not have.
 */
function wireError(error: ServiceError, peer: Peer): ServingError {
  const { code, details } = error;
  const isLost =
    code === status.UNAVAILABLE ||
    code === status.CANCELLED ||
    code === status.DEADLINE_EXCEEDED ||
    code === status.UNKNOWN ||
    details.includes('RST_STREAM');
  if (isLost) return lostError(peer, details, error);
  return new ServingError('internal', `${peer.address}: ${status[code]}: ${details}`, {}, { cause: error });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'details' in error && 'code' in error && typeof error.code === 'number';
}

/** Without halves of surrogate pairs, which no header can carry. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
