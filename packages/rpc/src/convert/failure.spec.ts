import { create } from '@bufbuild/protobuf';
import { ServingError } from '@tessera/domain';
import * as wire from '@tessera/proto/common/v1';
import { expect, test } from 'vitest';
import { failureFromProto, failureToProto } from './failure.js';

test('a failure comes out of the wire as it went in', () => {
  const error = new ServingError('epoch_refused', 'Epoch 3 was granted.', { epoch: 2, granted: 3 });
  const received = failureFromProto(create(wire.FailureSchema, failureToProto(error)));
  expect(received).toBeInstanceOf(ServingError);
  expect(received).toMatchObject({ reason: 'epoch_refused', message: error.message, facts: error.facts });
});

test('a failure of a reason that is not known here is internal', () => {
  const failure = create(wire.FailureSchema, { reason: 'of_tomorrow', message: 'Why not.', factsJson: '{}' });
  expect(failureFromProto(failure)).toMatchObject({ reason: 'internal', message: 'Why not.' });
});

test('what was thrown and is no ServingError is internal outside', () => {
  expect(failureToProto(new TypeError('x'))).toEqual({ reason: 'internal', message: 'x', factsJson: '{}' });
});
