import {
  type AdmittedSequence,
  blockHash,
  type CapturedChunk,
  type Chunk,
  type ChunkInput,
  embeddingKey,
  laneId,
  pageId,
  type Seal,
  type StepPlan,
  type StepResult,
  sequenceId,
} from '@tessera/domain';
import * as fc from 'fast-check';
import { mropePositions, sampledToken, samplingParams } from './arbitraries.js';

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const uint53 = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const milliseconds = fc.double({ noNaN: true, min: 0 });
const lane = uint32.map(laneId);
const pages = fc.array(uint32.map(pageId), { maxLength: 4 });
const floats = fc.float32Array({ maxLength: 8 });

export const seal: fc.Arbitrary<Seal> = fc.record({
  pageId: uint32.map(pageId),
  blockHash: fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => blockHash(Buffer.from(bytes).toString('hex'))),
  generation: uint53,
});

const admitted: fc.Arbitrary<AdmittedSequence> = fc.nat({ max: 12 }).chain((numPromptTokens) =>
  fc.record({
    sequenceId: text.map(sequenceId),
    lane,
    tokenIds: fc.int32Array({ minLength: numPromptTokens, maxLength: numPromptTokens + 4 }),
    numPromptTokens: fc.constant(numPromptTokens),
    positions: mropePositions(numPromptTokens),
    visuals: fc.array(fc.record({ embeddingKey: text.map(embeddingKey), offset: uint32, length: uint32 }), {
      maxLength: 3,
    }),
    numCached: uint32,
    pages,
    sampling: samplingParams,
  }),
);

const input: fc.Arbitrary<ChunkInput> = fc.oneof(
  fc.record({ kind: fc.constant('known' as const), numTokens: uint32 }),
  fc.constant({ kind: 'lastSampled' as const }),
  fc.record({ kind: fc.constant('explicit' as const), tokenIds: fc.array(uint32, { maxLength: 5 }) }),
);

const chunk: fc.Arbitrary<Chunk> = fc.record({ lane, input, newPages: pages, samples: fc.boolean() });

const capture = fc.record(
  {
    logits: fc.constantFrom('sampled' as const, 'all' as const),
    hidden: fc.boolean(),
    inputEmbeds: fc.boolean(),
    margins: fc.boolean(),
  },
  { requiredKeys: ['hidden', 'inputEmbeds', 'margins'] },
);

export const stepPlan: fc.Arbitrary<StepPlan> = fc.record(
  {
    stepId: uint53,
    released: fc.array(lane, { maxLength: 4 }),
    admitted: fc.array(admitted, { maxLength: 3 }),
    chunks: fc.array(chunk, { maxLength: 4 }),
    seals: fc.array(seal, { minLength: 1, maxLength: 4 }),
    capture,
  },
  { requiredKeys: ['stepId', 'released', 'admitted', 'chunks'] },
);

const captured: fc.Arbitrary<CapturedChunk> = fc.record(
  { lane, logits: floats, hiddenLayers: floats, hiddenFinalNorm: floats, inputEmbeds: floats },
  { requiredKeys: ['lane'] },
);

export const stepResult: fc.Arbitrary<StepResult> = fc.record(
  {
    stepId: uint53,
    outputs: fc.array(
      fc.record({ sequenceId: text.map(sequenceId), lane, tokens: fc.array(sampledToken, { maxLength: 3 }) }),
      { maxLength: 4 },
    ),
    spent: fc.record({
      totalMs: milliseconds,
      matmulMs: milliseconds,
      attentionMs: milliseconds,
      allReduceMs: milliseconds,
      samplingMs: milliseconds,
    }),
    captured: fc.array(captured, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['stepId', 'outputs', 'spent'] },
);
