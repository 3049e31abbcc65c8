import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { laneId } from '@tessera/domain';
import * as wire from '@tessera/proto/decoder/v1';
import { createAdmittedSequence, createStepPlan, knownChunk } from '@tessera/testkit';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seal, stepPlan, stepResult } from '../testing/step-arbitraries.js';
import { sealFromProto, sealToProto } from './seal.js';
import { stepPlanFromProto, stepPlanToProto } from './step-plan.js';
import { stepResultFromProto, stepResultToProto } from './step-result.js';

/** A message before it is created, and nothing that is one. */
type Fields<Desc extends DescMessage> = Extract<MessageInitShape<Desc>, { $typeName?: undefined }>;
type PlanInit = MessageInitShape<typeof wire.StepPlanSchema>;
const sendPlan = (plan: PlanInit): wire.StepPlan =>
  fromBinary(wire.StepPlanSchema, toBinary(wire.StepPlanSchema, create(wire.StepPlanSchema, plan)));

describe('what comes out of the wire is what went in', () => {
  test('as a step plan', () => {
    fc.assert(
      fc.property(stepPlan, (plan) => {
        expect(stepPlanFromProto(sendPlan(stepPlanToProto(plan)))).toEqual(plan);
      }),
    );
  });

  test('as a step result', () => {
    fc.assert(
      fc.property(stepResult, (result) => {
        const sent = create(wire.StepResultSchema, stepResultToProto(result));
        const received = fromBinary(wire.StepResultSchema, toBinary(wire.StepResultSchema, sent));
        expect(stepResultFromProto(received)).toEqual(result);
      }),
    );
  });

  test('as a seal', () => {
    fc.assert(
      fc.property(seal, (given) => {
        const received = create(wire.SealSchema, sealToProto(given));
        expect(sealFromProto(received, 'seal')).toEqual(given);
      }),
    );
  });
});

describe('a message that is no step plan is refused by the field', () => {
  const lane0 = laneId(0);
  const plan = stepPlanToProto(
    createStepPlan({ admitted: [createAdmittedSequence()], chunks: [knownChunk(lane0, 3)] }),
  ) as Fields<typeof wire.StepPlanSchema>;
  const sequence = plan.admitted![0] as Fields<typeof wire.AdmittedSequenceSchema>;
  const cases: readonly (readonly [field: string, given: PlanInit])[] = [
    ['plan.admitted[0].token_ids', { ...plan, admitted: [{ ...sequence, tokenIds: new Uint8Array(3) }] }],
    ['plan.admitted[0].positions', { ...plan, admitted: [{ ...sequence, positions: undefined }] }],
    ['plan.admitted[0].positions.temporal', { ...plan, admitted: [{ ...sequence, numPromptTokens: 2 }] }],
    ['plan.admitted[0].sampling', { ...plan, admitted: [{ ...sequence, sampling: undefined }] }],
    ['plan.chunks[0].input', { ...plan, chunks: [{ lane: 0 }] }],
    ['plan.seals[0].block_hash', { ...plan, seals: [{ blockHash: new Uint8Array(31) }] }],
    ['plan.capture.logits', { ...plan, capture: { logits: 9 as wire.CapturedLogits } }],
    ['plan.step_id', { ...plan, stepId: 2n ** 53n }],
  ];
  for (const [field, given] of cases) {
    test(field, () => {
      expect(() => stepPlanFromProto(sendPlan(given))).toThrow(
        expect.objectContaining({ reason: 'invalid_field', facts: expect.objectContaining({ field }) }),
      );
    });
  }
});
