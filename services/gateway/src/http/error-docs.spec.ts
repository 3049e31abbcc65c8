import { readFileSync } from 'node:fs';
import { type ErrorReason, errorCatalogue } from '@tessera/domain';
import { expect, it } from 'vitest';
import { httpStatusOf } from './http-status.js';

const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8');

it('docs/errors.md lists every reason of the catalogue with its code and HTTP status, in order', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([A-Z_]+) \| (\d{3}) \|/gm)].map(([, reason, code, status]) => [
    reason,
    code,
    Number(status),
  ]);
  const catalogue = Object.entries(errorCatalogue).map(([reason, code]) => [
    reason,
    code,
    httpStatusOf(reason as ErrorReason),
  ]);
  expect(rows).toEqual(catalogue);
});
