import { ServingError } from '@tessera/domain';
import type { ServedModel } from '../gateway-deps.js';

/** ServingError `model_not_found` when a request names another model; none named means the served one. */
export function assertServedModel(asked: string | null | undefined, model: ServedModel): void {
  if (asked == null || asked === model.id) return;
  const message = `model: there is no model ${JSON.stringify(asked)} here; ${JSON.stringify(model.id)} is served`;
  throw new ServingError('model_not_found', message, { field: 'model' });
}
