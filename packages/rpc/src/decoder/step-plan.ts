import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type AdmittedSequence,
  type Chunk,
  type ChunkInput,
  embeddingKey,
  laneId,
  pageId,
  type StepCapture,
  type StepPlan,
  sequenceId,
} from '@tessera/domain';
import * as wire from '@tessera/proto/decoder/v1';
import { createEnumWords } from '../convert/enum-words.js';
import { invalidField, present } from '../convert/invalid-field.js';
import { mropePositionsFromProto, mropePositionsToProto } from '../convert/mrope-positions.js';
import { bytesOf, int32Of } from '../convert/number-bytes.js';
import { safeIntegerOf } from '../convert/safe-integer.js';
import { samplingParamsFromProto, samplingParamsToProto } from '../convert/sampling-params.js';
import { sealsFromProto, sealToProto } from './seal.js';

const capturedLogits = createEnumWords({ sampled: wire.CapturedLogits.SAMPLED, all: wire.CapturedLogits.ALL });

export function stepPlanToProto(plan: StepPlan): MessageInitShape<typeof wire.StepPlanSchema> {
  return {
    stepId: BigInt(plan.stepId),
    released: [...plan.released],
    admitted: plan.admitted.map(admittedToProto),
    chunks: plan.chunks.map(chunkToProto),
    seals: plan.seals?.map(sealToProto),
    capture: plan.capture && captureToProto(plan.capture),
  };
}

/** Throws `invalid_field`, naming the path, for a message that is no plan; whether it can be run is the engine's to say. */
export function stepPlanFromProto(plan: wire.StepPlan): StepPlan {
  return {
    stepId: safeIntegerOf(plan.stepId, 'plan.step_id'),
    released: plan.released.map(laneId),
    admitted: plan.admitted.map((sequence, index) => admittedFromProto(sequence, `plan.admitted[${index}]`)),
    chunks: plan.chunks.map((chunk, index) => chunkFromProto(chunk, `plan.chunks[${index}]`)),
    ...(plan.seals.length > 0 && { seals: sealsFromProto(plan.seals, 'plan.seals') }),
    ...(plan.capture && { capture: captureFromProto(plan.capture) }),
  };
}

function admittedToProto(sequence: AdmittedSequence): MessageInitShape<typeof wire.AdmittedSequenceSchema> {
  return {
    sequenceId: sequence.sequenceId,
    lane: sequence.lane,
    tokenIds: bytesOf(sequence.tokenIds),
    numPromptTokens: sequence.numPromptTokens,
    positions: mropePositionsToProto(sequence.positions),
    visuals: sequence.visuals.map(({ embeddingKey: key, offset, length }) => ({ embeddingKey: key, offset, length })),
    numCached: sequence.numCached,
    pages: [...sequence.pages],
    sampling: samplingParamsToProto(sequence.sampling),
  };
}

function admittedFromProto(sequence: wire.AdmittedSequence, field: string): AdmittedSequence {
  const { numPromptTokens } = sequence;
  const positions = present(sequence.positions, `${field}.positions`);
  return {
    sequenceId: sequenceId(sequence.sequenceId),
    lane: laneId(sequence.lane),
    tokenIds: int32Of(sequence.tokenIds, `${field}.token_ids`),
    numPromptTokens,
    positions: mropePositionsFromProto(positions, numPromptTokens, `${field}.positions`),
    visuals: sequence.visuals.map((visual) => ({
      embeddingKey: embeddingKey(visual.embeddingKey),
      offset: visual.offset,
      length: visual.length,
    })),
    numCached: sequence.numCached,
    pages: sequence.pages.map(pageId),
    sampling: samplingParamsFromProto(present(sequence.sampling, `${field}.sampling`), `${field}.sampling`),
  };
}

function chunkToProto({ lane, input, newPages, samples }: Chunk): MessageInitShape<typeof wire.ChunkSchema> {
  return { lane, input: inputToProto(input), newPages: [...newPages], samples };
}

function inputToProto(input: ChunkInput): MessageInitShape<typeof wire.ChunkSchema>['input'] {
  switch (input.kind) {
    case 'known':
      return { case: 'known', value: input.numTokens };
    case 'lastSampled':
      return { case: 'lastSampled', value: {} };
    case 'explicit':
      return { case: 'explicit', value: { tokenIds: [...input.tokenIds] } };
  }
}

function chunkFromProto({ lane, input, newPages, samples }: wire.Chunk, field: string): Chunk {
  return {
    lane: laneId(lane),
    input: inputFromProto(input, `${field}.input`),
    newPages: newPages.map(pageId),
    samples,
  };
}

function inputFromProto(input: wire.Chunk['input'], field: string): ChunkInput {
  switch (input.case) {
    case 'known':
      return { kind: 'known', numTokens: input.value };
    case 'lastSampled':
      return { kind: 'lastSampled' };
    case 'explicit':
      return { kind: 'explicit', tokenIds: input.value.tokenIds };
    case undefined:
      throw invalidField(field, 'an input', 'none');
  }
}

function captureToProto(capture: StepCapture): MessageInitShape<typeof wire.StepCaptureSchema> {
  return { ...capture, logits: capture.logits && capturedLogits.numberOf(capture.logits) };
}

function captureFromProto({ logits, hidden, inputEmbeds, margins }: wire.StepCapture): StepCapture {
  const isNone = logits === wire.CapturedLogits.UNSPECIFIED;
  return {
    ...(!isNone && { logits: capturedLogits.wordOf(logits, 'plan.capture.logits') }),
    hidden,
    inputEmbeds,
    margins,
  };
}
