import {
  blockHash,
  type CellDescription,
  type CellInspection,
  type EncodeJob,
  type EncoderUpdate,
  embeddingKey,
  type MropePositions,
  pageId,
  type Request,
  requestId,
  type SampledToken,
  type SamplingParams,
  type SchedulerEvent,
  type Segment,
  sequenceId,
  type VisionEncoderDescription,
} from '@tessera/domain';
import * as fc from 'fast-check';

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const uint53 = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
/** A field that is zero is not sent, whatever its sign. */
const double = fc.double({ noNaN: true }).map((value) => value + 0);
const hash = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => blockHash(Buffer.from(bytes).toString('hex')));
const key = text.map(embeddingKey);
const visualKind = fc.constantFrom('image' as const, 'video' as const);
const grid = fc.record({ t: uint32, h: uint32, w: uint32 });
const processing = fc.record({ resizedHeight: uint32, resizedWidth: uint32 });
const optional = <Value>(values: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(values, { nil: undefined });

const tokenLogprob = fc.record({ tokenId: uint32, logprob: double });

export const sampledToken: fc.Arbitrary<SampledToken> = fc
  .tuple(
    fc.record({ tokenId: uint32, outputIndex: uint32 }),
    fc.oneof(fc.constant({}), fc.record({ logprob: double, topLogprobs: fc.array(tokenLogprob, { maxLength: 4 }) })),
    fc.record({ decisionMargin: double }, { requiredKeys: [] }),
  )
  .map(([token, logprobs, margin]) => ({ ...token, ...logprobs, ...margin }));

export const mropePositions = (numTokens: number): fc.Arbitrary<MropePositions> => {
  const axis = fc.int32Array({ minLength: numTokens, maxLength: numTokens });
  return fc.record({ temporal: axis, height: axis, width: axis, next: fc.integer() });
};

export const samplingParams: fc.Arbitrary<SamplingParams> = fc.record({
  temperature: double,
  topP: double,
  topK: uint32,
  minP: double,
  repetitionPenalty: double,
  presencePenalty: double,
  frequencyPenalty: double,
  logitBias: fc.array(fc.tuple(uint32, double), { maxLength: 5 }).map((entries) => new Map(entries)),
  stopTokenIds: fc.array(uint32, { maxLength: 4 }),
  minTokens: uint32,
  numTopLogprobs: optional(uint32),
  seed: uint53,
  choiceIndex: uint32,
});

export const segment: fc.Arbitrary<Segment> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), offset: uint32, length: uint32 }),
  fc.record({
    kind: visualKind,
    offset: uint32,
    length: uint32,
    grid,
    mediaIndex: uint32,
    embeddingKey: key,
    processing,
  }),
);

export const request: fc.Arbitrary<Request> = fc.int32Array({ maxLength: 40 }).chain((tokenIds) =>
  fc.record({
    requestId: text.map(requestId),
    attempt: uint32,
    modelRevision: text,
    tenant: text,
    class: fc.constantFrom('interactive' as const, 'batch' as const),
    priority: fc.integer(),
    tokenIds: fc.constant(tokenIds),
    resumeTokens: fc.array(uint32, { maxLength: 8 }),
    segments: fc.array(segment, { maxLength: 5 }),
    positions: mropePositions(tokenIds.length),
    sampling: samplingParams,
    maxTokens: uint32,
    stopTokenIds: fc.array(uint32, { maxLength: 4 }),
    deadlineMs: optional(double),
    prefix: optional(fc.record({ pageLen: uint32, root: hash, blocks: fc.array(hash, { maxLength: 4 }) })),
    numMediaBytes: uint53,
  }),
);

export const schedulerEvent: fc.Arbitrary<SchedulerEvent> = fc.oneof(
  fc.record({ kind: fc.constant('encodeHere' as const), mediaIndex: uint32, encoderAddress: text, ticket: text }),
  fc.record({ kind: fc.constant('started' as const), numCachedTokens: uint32 }),
  fc.record({ kind: fc.constant('tokens' as const), tokens: fc.array(sampledToken, { minLength: 1, maxLength: 4 }) }),
  fc.record({
    kind: fc.constant('finished' as const),
    reason: fc.constantFrom('stop' as const, 'length' as const),
    usage: fc.record({ numPromptTokens: uint32, numCachedTokens: uint32, numOutputTokens: uint32 }),
  }),
);

export const cellDescription: fc.Arbitrary<CellDescription> = fc.record({
  isLeader: fc.boolean(),
  isReady: fc.boolean(),
  waitingFor: text,
  epoch: uint53,
  model: optional(
    fc.record({
      revision: fc.string({ minLength: 1 }),
      maxContextLen: uint32,
      pageLen: uint32,
      maxVisualTokens: uint32,
    }),
  ),
});

const seal = fc.record({ pageId: uint32.map(pageId), blockHash: hash, generation: uint53 });
const sealsByPage = fc
  .uniqueArray(seal, { selector: ({ pageId: page }) => page, maxLength: 4 })
  .map((seals) => seals.sort((a, b) => a.pageId - b.pageId));

/** Ranks 0 … R − 1, many of whose seals are alike. */
const rankSeals = fc
  .tuple(sealsByPage, fc.array(optional(sealsByPage), { maxLength: 4 }))
  .map(([common, ranks]) => ranks.map((own, rank) => ({ rank, seals: own ?? common })));

export const cellInspection: fc.Arbitrary<CellInspection> = fc.record({
  epoch: uint53,
  numWaiting: uint32,
  numRunning: uint32,
  groups: fc.array(
    fc.record({
      groupId: text,
      numPages: uint32,
      pages: fc.array(
        fc.record({
          pageId: uint32.map(pageId),
          state: fc.constantFrom('owned' as const, 'cached' as const),
          blockHash: optional(hash),
          sequenceIds: fc.array(text.map(sequenceId), { maxLength: 3 }),
          generation: uint53,
        }),
        { maxLength: 4 },
      ),
      seals: rankSeals,
    }),
    { maxLength: 3 },
  ),
});

export const encodeJob: fc.Arbitrary<EncodeJob> = fc.record({
  ticket: text,
  tenant: text,
  embeddingKey: key,
  kind: visualKind,
  grid,
  processing,
  source: fc.uint8Array({ maxLength: 30 }),
});

export const encoderUpdate: fc.Arbitrary<EncoderUpdate> = fc.record({
  ready: fc.array(key, { maxLength: 4 }),
  evicted: fc.array(key, { maxLength: 4 }),
  failed: fc.array(fc.record({ ticket: text, embeddingKey: key }), { maxLength: 3 }),
  numPendingPatches: uint53,
});

export const encoderDescription: fc.Arbitrary<VisionEncoderDescription> = fc.record({
  modelRevision: text,
  hiddenSize: uint32,
  cacheBytes: uint53,
});
