import multipart from '@fastify/multipart';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Readiness } from './cell/cell.js';
import { registerChatRoute } from './chat/chat-route.js';
import { registerFilesRoute } from './files/files-route.js';
import type { GatewayContext } from './gateway-context.js';
import { registerHealthRoute } from './health/health-route.js';
import { registerBodyParser } from './http/body-parser.js';
import { registerErrorReply, sendError } from './http/error-reply.js';
import { registerRequestIdHeader, requestIdOf } from './http/request-id.js';
import { shuttingDown } from './http/shutting-down.js';
import { registerUnmatchedRoute } from './http/unmatched-route.js';
import { registerHttpMetrics } from './metrics/http-metrics.js';
import { registerMetricsRoute } from './metrics/metrics-route.js';
import { registerModelsRoute } from './models/models-route.js';
import { createOpenapiDocument } from './openapi/openapi-document.js';
import { registerTokenizeRoute } from './tokenize/tokenize-route.js';

/** The gateway's routes on a Fastify server that does not listen yet. */
export function buildApp(context: GatewayContext, isDraining: () => boolean): FastifyInstance {
  const app = Fastify({
    loggerInstance: context.logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    requestTimeout: context.config.bodyTimeoutMs,
    return503OnClosing: false,
    forceCloseConnections: false,
    frameworkErrors: (error, _request, reply) => {
      sendError(reply, error);
    },
  });
  registerErrorReply(app);
  registerRequestIdHeader(app);
  registerHttpMetrics(app, context.metrics, () => context.active.size);
  registerUnmatchedRoute(app);
  registerBodyParser(app, context.config);
  app.register(multipart);
  registerRoutes(app, context, isDraining);
  return app;
}

function registerRoutes(app: FastifyInstance, context: GatewayContext, isDraining: () => boolean): void {
  const { model, cell, files, blobs, config } = context;
  const readiness = (): Readiness => (isDraining() ? { ready: false, reason: 'shutting down' } : cell.readiness);
  registerHealthRoute(app, readiness);
  registerMetricsRoute(app, context.metrics);
  const openapi = createOpenapiDocument(config);
  app.get('/openapi.json', async () => openapi);
  app.get('/', async () => ({
    name: 'tessera',
    model: model.id,
    openapi: '/openapi.json',
    chat: 'POST /v1/chat/completions',
  }));
  app.register(async (api) => {
    const refuseWhileDraining = async (_request: FastifyRequest, reply: FastifyReply) => {
      if (!isDraining()) return;
      reply.header('connection', 'close');
      throw shuttingDown();
    };
    api.addHook('onRequest', refuseWhileDraining);
    // A body may take long to come.
    api.addHook('preHandler', refuseWhileDraining);
    registerChatRoute(api, context);
    registerTokenizeRoute(api, context);
    registerFilesRoute(api, files, blobs, config);
    registerModelsRoute(api, context);
  });
}
