import type { FastifyInstance } from 'fastify';
import type { GatewayContext } from '../gateway-context.js';
import { assertServedModel } from './assert-served-model.js';

/** `/v1/models`: the one served model. */
export function registerModelsRoute(app: FastifyInstance, { model, cell, active, config }: GatewayContext): void {
  const describe = async (signal: AbortSignal) => {
    const leader = await cell.whenKnown(config.waitForCellMs, signal);
    return {
      id: model.id,
      object: 'model',
      created: model.createdUnixSeconds,
      owned_by: 'tessera',
      max_model_len: leader.model.maxContextLen,
    };
  };
  app.get('/v1/models', async (_request, reply) => {
    const { signal } = active.begin(reply.raw);
    return { object: 'list', data: [await describe(signal)] };
  });
  app.get<{ Params: { '*': string } }>('/v1/models/*', async ({ params }, reply) => {
    assertServedModel(params['*'], model);
    const { signal } = active.begin(reply.raw);
    return describe(signal);
  });
}
