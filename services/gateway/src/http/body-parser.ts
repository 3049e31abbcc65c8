import { ServingError } from '@tessera/domain';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GatewayConfig } from '../config.js';
import { parseJsonBody } from './parse-json-body.js';
import { readBody } from './read-body.js';

/** Bodies of `app` are JSON in UTF-8 within the configured bounds; any other content type is refused. */
export function registerBodyParser(app: FastifyInstance, config: GatewayConfig): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: FastifyRequest['raw']) => {
    assertNotCompressed(request);
    const bytes = await readBody(payload, config.maxBodyBytes);
    // Python's openai package declares JSON for requests without a body, too.
    if (bytes.length === 0 && request.method !== 'POST') return undefined;
    return parseJsonBody(bytes, {
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

function assertNotCompressed(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return;
  throw new ServingError(
    'unsupported_content_type',
    `content-encoding ${encoding} is not accepted; send the body as it is`,
  );
}
