import type { FastifyInstance } from 'fastify';
import type { Readiness } from '../cell/cell.js';

/** `/health/live`: the process answers. `/health/ready`: requests are answered; 503 with the reason when not. */
export function registerHealthRoute(app: FastifyInstance, isReady: () => Readiness): void {
  app.get('/health/live', async () => ({ status: 'live' }));
  app.get('/health/ready', async (_request, reply) => {
    const { ready, reason } = isReady();
    return reply
      .code(ready ? 200 : 503)
      .send(ready ? { status: 'ready' } : { status: 'not_ready', reason: reason ?? null });
  });
}
