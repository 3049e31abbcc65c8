import type { IncomingMessage } from 'node:http';
import type { ErrorReason } from '@tessera/domain';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { errorBody } from './error-body.js';
import { httpStatusOf } from './http-status.js';
import { toServingError } from './to-serving-error.js';

declare module 'fastify' {
  interface FastifyReply {
    /** Why the request failed, for its metrics and its log line; also set when the failure comes amid a stream. */
    errorReason: ErrorReason | undefined;
  }
}

/** Answers a failure in OpenAI's error shape; `status` overrides the one that its reason stands for. */
export function sendError(reply: FastifyReply, thrown: unknown, status?: number): FastifyReply {
  const error = toServingError(thrown);
  reply.errorReason = error.reason;
  if (error.code === 'INTERNAL') reply.log.error({ err: error.cause ?? error }, 'request failed');
  const { retryAfterSeconds } = error.facts;
  if (typeof retryAfterSeconds === 'number') reply.header('retry-after', String(Math.ceil(retryAfterSeconds)));
  if (isPartlyRead(reply.request.raw)) reply.header('connection', 'close');
  return reply.code(status ?? httpStatusOf(error.reason)).send(errorBody(error));
}

/** Whether a body's rest stands in the way of the connection's next request; of an unread body Node drops it all. */
function isPartlyRead(message: IncomingMessage): boolean {
  return message.readableDidRead && !message.complete;
}

/** Every error thrown by a handler, a hook or a parser of `app` is answered by `sendError`. */
export function registerErrorReply(app: FastifyInstance): void {
  app.decorateReply('errorReason', undefined);
  app.setErrorHandler((error, _request, reply) => sendError(reply, error));
}
