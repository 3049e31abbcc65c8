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
    return parseJsonBody(await readBody(payload, config.maxBodyBytes), {
      depth: config.maxJsonDepth,
      numValues: config.maxJsonValues,
    });
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
