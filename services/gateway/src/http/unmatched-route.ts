import { ServingError } from '@tessera/domain';
import type { FastifyInstance } from 'fastify';
import { sendError } from './error-reply.js';

/** Unknown paths are answered with 404, known paths under a wrong method with 405 and `allow`. Call before adding routes. */
export function registerUnmatchedRoute(app: FastifyInstance): void {
  const methodsOfPath = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOfPath.get(url) ?? new Set();
    for (const name of [method].flat()) methods.add(name);
    methodsOfPath.set(url, methods);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!;
    const pattern = [...methodsOfPath.keys()].find((candidate) => matches(candidate, path));
    if (pattern === undefined) return sendError(reply, new ServingError('route_not_found', `there is no ${path} here`));
    const allowed = [...methodsOfPath.get(pattern)!].join(', ');
    reply.header('allow', allowed);
    return sendError(
      reply,
      new ServingError('route_not_found', `${path} takes ${allowed}, not ${request.method}`),
      405,
    );
  });
}

/** Whether a path fits a route pattern, in which `:name` stands for one segment and a final `*` for any rest. */
function matches(pattern: string, path: string): boolean {
  const expression = pattern
    .replace(/[.]/g, '\\.')
    .replace(/:[^/]+/g, '[^/]+')
    .replace(/\*$/, '.+');
  return new RegExp(`^${expression}$`).test(path);
}
