import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type CapturedChunk,
  laneId,
  type SequenceOutput,
  type StepResult,
  type StepTimes,
  sequenceId,
} from '@tessera/domain';
import type * as wire from '@tessera/proto/decoder/v1';
import { present } from '../convert/invalid-field.js';
import { bytesOf, float32Of } from '../convert/number-bytes.js';
import { safeIntegerOf } from '../convert/safe-integer.js';
import { sampledTokenFromProto, sampledTokenToProto } from '../convert/sampled-token.js';

export function stepResultToProto(result: StepResult): MessageInitShape<typeof wire.StepResultSchema> {
  return {
    stepId: BigInt(result.stepId),
    outputs: result.outputs.map(outputToProto),
    spent: { ...result.spent },
    captured: result.captured?.map(capturedToProto),
  };
}

/** Throws `invalid_field`, naming the path. No captured chunk on the wire is none asked for. */
export function stepResultFromProto(result: wire.StepResult): StepResult {
  return {
    stepId: safeIntegerOf(result.stepId, 'result.step_id'),
    outputs: result.outputs.map(outputFromProto),
    spent: timesFromProto(present(result.spent, 'result.spent')),
    ...(result.captured.length > 0 && {
      captured: result.captured.map((chunk, index) => capturedFromProto(chunk, `result.captured[${index}]`)),
    }),
  };
}

function outputToProto(output: SequenceOutput): MessageInitShape<typeof wire.SequenceOutputSchema> {
  return { ...output, tokens: output.tokens.map(sampledTokenToProto) };
}

function outputFromProto(output: wire.SequenceOutput): SequenceOutput {
  return {
    sequenceId: sequenceId(output.sequenceId),
    lane: laneId(output.lane),
    tokens: output.tokens.map(sampledTokenFromProto),
  };
}

function timesFromProto({ totalMs, matmulMs, attentionMs, allReduceMs, samplingMs }: wire.StepTimes): StepTimes {
  return { totalMs, matmulMs, attentionMs, allReduceMs, samplingMs };
}

const capturedFields = {
  logits: 'logits',
  hiddenLayers: 'hidden_layers',
  hiddenFinalNorm: 'hidden_final_norm',
  inputEmbeds: 'input_embeds',
} as const;
type CapturedName = keyof typeof capturedFields;
const capturedNames = Object.keys(capturedFields) as CapturedName[];

function capturedToProto(chunk: CapturedChunk): MessageInitShape<typeof wire.CapturedChunkSchema> {
  const bytes = (name: CapturedName): Uint8Array | undefined => chunk[name] && bytesOf(chunk[name]);
  return { lane: chunk.lane, ...Object.fromEntries(capturedNames.map((name) => [name, bytes(name)])) };
}

function capturedFromProto(chunk: wire.CapturedChunk, field: string): CapturedChunk {
  const floats = capturedNames.flatMap((name) => {
    const bytes = chunk[name];
    return bytes ? [[name, float32Of(bytes, `${field}.${capturedFields[name]}`)] as const] : [];
  });
  return { lane: laneId(chunk.lane), ...Object.fromEntries(floats) };
}
