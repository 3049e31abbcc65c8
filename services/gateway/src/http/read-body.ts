import type { Readable } from 'node:stream';
import { ServingError } from '@tessera/domain';

/**
 * The bytes of a body of at most `maxBytes`; ServingError `body_too_large` naming the limit.
 *
 * What is over the limit is read and dropped, up to as much again: a socket closed on unread bytes is reset, and the
 * client would never see the answer.
 */
export async function readBody(body: Readable, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let numBytes = 0;
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    numBytes += chunk.length;
    if (numBytes <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
    if (numBytes > 2 * maxBytes) break;
  }
  if (numBytes > maxBytes) {
    throw new ServingError('body_too_large', `the body is larger than the limit of ${maxBytes} bytes`, {
      limit: maxBytes,
    });
  }
  return Buffer.concat(chunks, numBytes);
}
