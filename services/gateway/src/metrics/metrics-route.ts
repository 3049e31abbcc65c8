import type { Metrics } from '@tessera/runtime';
import type { FastifyInstance } from 'fastify';

/** `/metrics` in Prometheus' text format. */
export function registerMetricsRoute(app: FastifyInstance, metrics: Metrics): void {
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()));
}
