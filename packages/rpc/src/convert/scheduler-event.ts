import type { MessageInitShape } from '@bufbuild/protobuf';
import type { SchedulerEvent } from '@tessera/domain';
import * as wire from '@tessera/proto/scheduler/v1';
import { createEnumWords } from './enum-words.js';
import { invalidField } from './invalid-field.js';
import { sampledTokenFromProto, sampledTokenToProto } from './sampled-token.js';

const finishReasons = createEnumWords({ stop: wire.FinishReason.STOP, length: wire.FinishReason.LENGTH });

type EventToProto = Exclude<MessageInitShape<typeof wire.RequestEventSchema>['event'], undefined>;
/** What may happen, but for a failure. */
export type EventFromProto = Exclude<wire.RequestEvent['event'], { case: 'failure' }>;

export function schedulerEventToProto(event: SchedulerEvent): EventToProto {
  switch (event.kind) {
    case 'encodeHere': {
      const { mediaIndex, encoderAddress, ticket } = event;
      return { case: 'encodeHere', value: { mediaIndex, encoderAddress, ticket } };
    }
    case 'started':
      return { case: 'started', value: { numCachedTokens: event.numCachedTokens } };
    case 'tokens':
      return { case: 'tokens', value: { tokens: event.tokens.map(sampledTokenToProto) } };
    case 'finished':
      return { case: 'finished', value: { reason: finishReasons.numberOf(event.reason), ...event.usage } };
  }
}

/** Throws `invalid_field` for an event of a later version. */
export function schedulerEventFromProto(event: EventFromProto): SchedulerEvent {
  switch (event.case) {
    case 'encodeHere': {
      const { mediaIndex, encoderAddress, ticket } = event.value;
      return { kind: 'encodeHere', mediaIndex, encoderAddress, ticket };
    }
    case 'started':
      return { kind: 'started', numCachedTokens: event.value.numCachedTokens };
    case 'tokens':
      return { kind: 'tokens', tokens: event.value.tokens.map(sampledTokenFromProto) };
    case 'finished': {
      const { numPromptTokens, numCachedTokens, numOutputTokens } = event.value;
      return {
        kind: 'finished',
        reason: finishReasons.wordOf(event.value.reason, 'finished.reason'),
        usage: { numPromptTokens, numCachedTokens, numOutputTokens },
      };
    }
    case undefined:
      throw invalidField('event', 'an event', 'none');
  }
}
