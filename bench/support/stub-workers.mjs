// A decoder group and an encoder without models, as a process behind real gRPC, known to the cell on NATS.
//
//   node bench/support/stub-workers.mjs <nats url> <step interval in ms> <lanes>
//
// Steps end an interval apart, and each gives every sequence that samples one token.
import { setTimeout as pause } from 'node:timers/promises';
import { createNatsBus } from '@tessera/bus';
import { createRpcServer, serveDecoderRank, serveVisionEncoder } from '@tessera/rpc';

const [, , nats, intervalText, lanesText] = process.argv;
const intervalMs = Number(intervalText);
const numLanes = Number(lanesText);
const [pageLen, maxContextLen] = [16, 4096];
const firstLetterId = 64;

const description = {
  modelRevision: 'stub',
  engineDigest: 'stub',
  numRanks: 1,
  numLanes,
  maxContextLen,
  maxStepTokens: 2048,
  vocabSize: 576,
  hiddenSize: 4,
  kvLayout: { dtype: 'float32', pageLen, numPages: (numLanes * maxContextLen) / pageLen, layersPerMemory: 1 },
  isRowInvariant: true,
};

/** A rank that obeys whoever comes. */
function createStubRank() {
  const identity = { groupId: 'group-0', rank: 0 };
  let leader = { epoch: 0, leaderId: undefined };
  return {
    open: async ({ epoch, leaderId }) => {
      leader = { epoch, leaderId };
      return { ...identity, description, seals: [], endsWithFailedStep: false, ...createStubSteps() };
    },
    get status() {
      return { ...identity, ...leader, isReady: true, description, seals: [] };
    },
  };
}

function createStubSteps() {
  const lanes = new Map();
  let last = Promise.resolve();
  let beatMs = 0;
  const nextBeat = async () => {
    beatMs = Math.max(beatMs + intervalMs, performance.now());
    await pause(beatMs - performance.now());
  };
  const run = async ({ stepId, released, admitted, chunks }) => {
    for (const lane of released) lanes.delete(lane);
    for (const { lane, sequenceId, tokenIds, numPromptTokens } of admitted) {
      lanes.set(lane, { sequenceId, numOutputTokens: tokenIds.length - numPromptTokens });
    }
    await nextBeat();
    const outputs = chunks
      .filter(({ samples }) => samples)
      .map(({ lane }) => {
        const sequence = lanes.get(lane);
        const outputIndex = sequence.numOutputTokens++;
        const tokens = [{ tokenId: firstLetterId + (outputIndex % 26), outputIndex }];
        return { sequenceId: sequence.sequenceId, lane, tokens };
      });
    const spent = { totalMs: intervalMs, matmulMs: 0, attentionMs: 0, allReduceMs: 0, samplingMs: 0 };
    return { stepId, outputs, spent };
  };
  return {
    stage: async () => true,
    unstage: async () => {},
    step(plan) {
      const result = last.then(() => run(plan));
      last = result.catch(() => {});
      return result;
    },
  };
}

/** An encoder that holds nothing. */
const stubEncoder = {
  address: 'stub',
  description: { modelRevision: 'stub', hiddenSize: 4, cacheBytes: 2 ** 30 },
  encode: async () => {},
  lend: () => undefined,
  async *updates(signal) {
    yield { ready: [], evicted: [], failed: [], numPendingPatches: 0 };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  },
};

const server = createRpcServer();
serveDecoderRank(server, createStubRank());
serveVisionEncoder(server, stubEncoder);
const address = await server.listen('127.0.0.1:0');
const bus = await createNatsBus({ servers: [nats], cell: 'default' });
const incarnation = String(process.pid);
const { modelRevision, engineDigest, numRanks } = description;
await bus.announce({ kind: 'vision-encoder', id: address, address, incarnation, facts: { modelRevision } });
const facts = { group: 'group-0', rank: 0, numRanks, meshAddress: 'none', modelRevision, engineDigest };
await bus.announce({ kind: 'decoder', id: 'group-0-0', address, incarnation, facts });
console.log('stub workers ready');
