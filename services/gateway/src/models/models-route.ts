import type { FastifyInstance } from 'fastify';
import type { ServedModel } from '../gateway-deps.js';
import { assertServedModel } from './assert-served-model.js';

/** `/v1/models`: the one served model. */
export function registerModelsRoute(app: FastifyInstance, model: ServedModel): void {
  const object = {
    id: model.id,
    object: 'model',
    created: model.createdUnixSeconds,
    owned_by: 'tessera',
    max_model_len: model.maxContextLen,
  };
  app.get('/v1/models', async () => ({ object: 'list', data: [object] }));
  app.get<{ Params: { '*': string } }>('/v1/models/*', async ({ params }) => {
    assertServedModel(params['*'], model);
    return object;
  });
}
