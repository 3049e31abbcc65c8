import { type EncodeJob, ServingError } from '@tessera/domain';

/** Throws `internal` that names the picture when its rows hold infinities or values that are not numbers. */
export function assertFinite(rows: Float32Array, { embeddingKey, grid, ticket }: EncodeJob): void {
  let numNotFinite = 0;
  for (let i = 0; i < rows.length; i++) if (!Number.isFinite(rows[i])) numNotFinite++;
  if (numNotFinite === 0) return;
  const message =
    `The embedding of picture ${embeddingKey} of ${grid.t} × ${grid.h} × ${grid.w} patches ` +
    `has ${numNotFinite} of ${rows.length} values that are not finite.`;
  throw new ServingError('internal', message, { embeddingKey, ticket, numNotFinite, numValues: rows.length });
}
