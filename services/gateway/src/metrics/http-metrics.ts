import type { Metrics } from '@tessera/runtime';
import type { FastifyInstance } from 'fastify';

const secondsBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** Counts and times every request of `app`. `reason` is `ok` or the error's; 499 is a client that went away. */
export function registerHttpMetrics(app: FastifyInstance, metrics: Metrics, numActive: () => number): void {
  const requests = metrics.counter({
    name: 'tessera_gateway_requests_total',
    help: 'Requests answered, by route, HTTP status and reason of the error catalogue.',
    labelNames: ['route', 'status', 'reason'],
  });
  const seconds = metrics.histogram({
    name: 'tessera_gateway_request_seconds',
    help: 'Time from the first byte of a request to the last of its answer.',
    labelNames: ['route'],
    buckets: secondsBuckets,
  });
  metrics.gauge({
    name: 'tessera_gateway_requests_in_flight',
    help: 'Generation requests being answered now.',
    collect: (gauge) => gauge.set(numActive()),
  });
  // Fastify's onResponse hook is silent when the client goes away.
  app.addHook('onRequest', async (request, reply) => {
    reply.raw.once('close', () => {
      const route = request.routeOptions.url ?? 'unmatched';
      const isGone = !reply.raw.writableFinished;
      const status = isGone ? 499 : reply.statusCode;
      const reason = isGone ? 'cancelled' : (reply.errorReason ?? 'ok');
      requests.inc({ route, status, reason });
      seconds.observe({ route }, reply.elapsedTime / 1000);
      request.log.info({ route, status, reason, elapsedMs: Math.round(reply.elapsedTime) }, 'answered');
    });
  });
}
