import { type CellModel, type Request, ServingError } from '@tessera/domain';

/** Throws when a cell with this model can never answer a request, however long it waits. */
export function assertServable(request: Request, model: CellModel): void {
  assertSameModel(request, model);
  assertAtMost('context_length_exceeded', 'Prompt and answer need', 'positions; the context holds', {
    given: numPositions(request),
    limit: model.maxContextLen,
  });
  const visuals = request.segments.filter(({ kind }) => kind !== 'text');
  assertAtMost('media_too_large', "The request's images and videos have", 'tokens; at once may be held', {
    given: visuals.reduce((sum, { length }) => sum + length, 0),
    limit: model.maxVisualTokens,
  });
}

/** Throws when the prompt was made for another model. */
export function assertSameModel(request: Request, { revision }: Pick<CellModel, 'revision'>): void {
  if (request.modelRevision === revision) return;
  const message = `The prompt was prepared for model revision ${request.modelRevision}; ${revision} is served.`;
  throw new ServingError('invalid_field', message, { field: 'modelRevision' });
}

/** Positions that prompt and answer may take. */
export function numPositions({ tokenIds, maxTokens }: Request): number {
  return tokenIds.length + maxTokens;
}

function assertAtMost(
  reason: 'context_length_exceeded' | 'media_too_large',
  what: string,
  than: string,
  facts: { readonly given: number; readonly limit: number },
): void {
  if (facts.given <= facts.limit) return;
  throw new ServingError(reason, `${what} ${facts.given} ${than} ${facts.limit}.`, facts);
}
