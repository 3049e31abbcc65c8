import type { MessageInitShape } from '@bufbuild/protobuf';
import type { SampledToken } from '@tessera/domain';
import type * as wire from '@tessera/proto/common/v1';

export function sampledTokenToProto(token: SampledToken): MessageInitShape<typeof wire.SampledTokenSchema> {
  return { ...token, topLogprobs: token.topLogprobs?.map(({ tokenId, logprob }) => ({ tokenId, logprob })) };
}

/** Alternatives come with the token's own log-probability or not at all: a list on the wire cannot be absent. */
export function sampledTokenFromProto(token: wire.SampledToken): SampledToken {
  const { tokenId, outputIndex, logprob, decisionMargin } = token;
  return {
    tokenId,
    outputIndex,
    ...(logprob !== undefined && {
      logprob,
      topLogprobs: token.topLogprobs.map((top) => ({ tokenId: top.tokenId, logprob: top.logprob })),
    }),
    ...(decisionMargin !== undefined && { decisionMargin }),
  };
}
