import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  MropePositionsSchema,
  RequestSchema,
  SampledTokenSchema,
  SamplingParamsSchema,
  SegmentSchema,
} from '@tessera/proto/common/v1';
import { AttachResponseSchema, EncodeJobSchema } from '@tessera/proto/encoder/v1';
import { DescribeResponseSchema, InspectResponseSchema, RequestEventSchema } from '@tessera/proto/scheduler/v1';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as arbitraries from '../testing/arbitraries.js';
import { cellDescriptionFromProto, cellDescriptionToProto } from './cell-description.js';
import { cellInspectionFromProto, cellInspectionToProto } from './cell-inspection.js';
import { encodeJobFromProto, encodeJobToProto } from './encode-job.js';
import { encoderDescriptionFromProto, encoderUpdateFromProto, encoderUpdateToProto } from './encoder-update.js';
import { mropePositionsFromProto, mropePositionsToProto } from './mrope-positions.js';
import { requestFromProto, requestToProto } from './request.js';
import { sampledTokenFromProto, sampledTokenToProto } from './sampled-token.js';
import { samplingParamsFromProto, samplingParamsToProto } from './sampling-params.js';
import { type EventFromProto, schedulerEventFromProto, schedulerEventToProto } from './scheduler-event.js';
import { segmentFromProto, segmentToProto } from './segment.js';

/** The message that another process reads. */
function sent<Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): MessageShape<Desc> {
  return fromBinary(schema, toBinary(schema, create(schema, message)));
}

function survives<Value>(name: string, values: fc.Arbitrary<Value>, roundTrip: (value: Value) => Value): void {
  test(name, () =>
    fc.assert(
      fc.property(values, (value) => {
        expect(roundTrip(value)).toEqual(value);
      }),
    ),
  );
}

describe('the other process reads what was meant by', () => {
  survives('a request', arbitraries.request, (value) => requestFromProto(sent(RequestSchema, requestToProto(value))));
  survives('a segment', arbitraries.segment, (value) =>
    segmentFromProto(sent(SegmentSchema, segmentToProto(value)), 'segment'),
  );
  survives('sampling parameters', arbitraries.samplingParams, (value) =>
    samplingParamsFromProto(sent(SamplingParamsSchema, samplingParamsToProto(value)), 'sampling'),
  );
  survives('a sampled token', arbitraries.sampledToken, (value) =>
    sampledTokenFromProto(sent(SampledTokenSchema, sampledTokenToProto(value))),
  );
  survives('positions', arbitraries.mropePositions(7), (value) =>
    mropePositionsFromProto(sent(MropePositionsSchema, mropePositionsToProto(value)), 7, 'positions'),
  );
  survives('an event of a request', arbitraries.schedulerEvent, (value) => {
    const { event } = sent(RequestEventSchema, { event: schedulerEventToProto(value) });
    return schedulerEventFromProto(event as EventFromProto);
  });
  survives('the description of a cell', arbitraries.cellDescription, (value) =>
    cellDescriptionFromProto(sent(DescribeResponseSchema, cellDescriptionToProto(value))),
  );
  survives('the inspection of a cell', arbitraries.cellInspection, (value) =>
    cellInspectionFromProto(sent(InspectResponseSchema, cellInspectionToProto(value))),
  );
  survives('a job for an encoder', arbitraries.encodeJob, (value) => {
    const { job, numBytes } = encodeJobFromProto(sent(EncodeJobSchema, encodeJobToProto(value)));
    expect(numBytes).toBe(value.source.length);
    return { ...job, source: value.source };
  });
  survives('an update of an encoder', arbitraries.encoderUpdate, (value) =>
    encoderUpdateFromProto(sent(AttachResponseSchema, encoderUpdateToProto(value, undefined))),
  );
  survives('the description of an encoder', arbitraries.encoderDescription, (value) =>
    encoderDescriptionFromProto(
      sent(
        AttachResponseSchema,
        encoderUpdateToProto({ ready: [], evicted: [], failed: [], numPendingPatches: 0 }, value),
      ),
    ),
  );
});
