import { ServingError } from '@tessera/domain';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GatewayConfig } from '../config.js';
import { createJsonDesk } from './json-desk.js';
import { readBody } from './read-body.js';

/** Bodies of `app` are JSON in UTF-8 within the configured bounds; any other content type is refused. */
export function registerBodyParser(app: FastifyInstance, config: GatewayConfig): void {
  const desk = createJsonDesk();
  app.addHook('onClose', () => desk.close());
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: FastifyRequest['raw']) => {
    assertNotCompressed(request);
    assertUtf8(request);
    const bytes = await readBody(payload, config.maxBodyBytes);
    // Python's openai package declares JSON for requests without a body, too.
    if (bytes.length === 0 && request.method !== 'POST') return undefined;
    return desk.read(bytes, {
      depth: config.maxJsonDepth,
      numValues: config.maxJsonValues,
    });
  });
  app.addContentTypeParser('*', async ({ headers }: FastifyRequest) => {
    const given = headers['content-type'] === undefined ? 'a body without content-type' : headers['content-type'];
    throw new ServingError(
      'unsupported_content_type',
      `${given} is not accepted; send application/json, or multipart/form-data to /v1/files`,
    );
  });
}

/** RFC 8259 §8.1 knows no other encoding; a declared one is a body that would be read wrongly. */
function assertUtf8({ headers }: FastifyRequest): void {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(headers['content-type'] ?? '')?.[1];
  if (charset === undefined || /^utf-?8$/i.test(charset)) return;
  throw new ServingError('unsupported_content_type', `charset ${charset} is not accepted; send JSON in UTF-8`);
}

function assertNotCompressed(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return;
  throw new ServingError(
    'unsupported_content_type',
    `content-encoding ${encoding} is not accepted; send the body as it is`,
  );
}
