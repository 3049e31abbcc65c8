import { DecoderService } from '@tessera/proto/decoder/v1';
import { VisionEncoderService } from '@tessera/proto/encoder/v1';
import { SchedulerService } from '@tessera/proto/scheduler/v1';
import { describe, expect, test } from 'vitest';
import { methodDefinition, serviceDefinition } from './service-definition.js';

describe('serviceDefinition', () => {
  for (const [kind, method, path, requestStream, responseStream] of [
    ['unary', SchedulerService.method.describe, '/tessera.scheduler.v1.SchedulerService/Describe', false, false],
    [
      'server stream',
      VisionEncoderService.method.attach,
      '/tessera.encoder.v1.VisionEncoderService/Attach',
      false,
      true,
    ],
    [
      'client stream',
      VisionEncoderService.method.encode,
      '/tessera.encoder.v1.VisionEncoderService/Encode',
      true,
      false,
    ],
    ['bidirectional', DecoderService.method.step, '/tessera.decoder.v1.DecoderService/Step', true, true],
  ] as const) {
    test(`has path and streams of a ${kind} method`, () => {
      expect(serviceDefinition(method.parent)[method.localName]).toMatchObject({ path, requestStream, responseStream });
    });
  }

  test('writes plain objects and reads messages, both ways', () => {
    const { requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } = methodDefinition(
      SchedulerService.method.generate,
    );
    expect(requestDeserialize(requestSerialize({ callId: 7n })).callId).toBe(7n);
    const answer = responseDeserialize(responseSerialize({ events: [{ callId: 8n }] }));
    expect(answer.events).toMatchObject([{ callId: 8n }]);
  });
});
