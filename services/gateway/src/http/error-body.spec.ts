import { ServingError } from '@tessera/domain';
import { describe, expect, it } from 'vitest';
import { errorBody } from './error-body.js';

describe('errorBody', () => {
  it("has OpenAI's shape, with the field as param and the reason as code", () => {
    expect(errorBody(new ServingError('invalid_field', 'no', { field: 'messages[0]' }))).toEqual({
      error: { message: 'no', type: 'invalid_request_error', param: 'messages[0]', code: 'invalid_field' },
    });
  });

  it('has a null param where no field is meant', () => {
    expect(errorBody(new ServingError('queue_full', 'full')).error).toMatchObject({
      type: 'rate_limit_error',
      param: null,
    });
  });

  it('calls failures of ours server errors', () => {
    expect(errorBody(new ServingError('worker_failed', 'gone')).error.type).toBe('server_error');
  });
});
