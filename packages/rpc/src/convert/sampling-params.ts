import type { MessageInitShape } from '@bufbuild/protobuf';
import type { SamplingParams } from '@tessera/domain';
import type * as wire from '@tessera/proto/common/v1';
import { safeIntegerOf } from './safe-integer.js';

export function samplingParamsToProto(params: SamplingParams): MessageInitShape<typeof wire.SamplingParamsSchema> {
  return {
    ...params,
    logitBias: Object.fromEntries(params.logitBias),
    stopTokenIds: [...params.stopTokenIds],
    seed: BigInt(params.seed),
  };
}

/** Ranges are the gateway's to check; throws `invalid_field` under the path `field` for what no number can say. */
export function samplingParamsFromProto(params: wire.SamplingParams, field: string): SamplingParams {
  return {
    temperature: params.temperature,
    topP: params.topP,
    topK: params.topK,
    minP: params.minP,
    repetitionPenalty: params.repetitionPenalty,
    presencePenalty: params.presencePenalty,
    frequencyPenalty: params.frequencyPenalty,
    logitBias: new Map(Object.entries(params.logitBias).map(([id, bias]) => [Number(id), bias])),
    stopTokenIds: params.stopTokenIds,
    minTokens: params.minTokens,
    numTopLogprobs: params.numTopLogprobs,
    seed: safeIntegerOf(params.seed, `${field}.seed`),
    choiceIndex: params.choiceIndex,
  };
}
