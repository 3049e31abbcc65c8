// Time from the result of a step to the plan of the next one, with 256 running sequences and more that wait:
//   npm run build && node bench/scheduler-plan.mjs [--steps 400]
// No model: ranks that answer at once. The loop is the plain one, so that nothing is planned ahead and all the work
// lies between a result and the next call of `step`: booking 256 tokens, publishing full pages, planning.
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { greedySampling } from '@tessera/domain';
import { createScheduler, defaultSchedulerConfig } from '@tessera/scheduler';

const { values } = parseArgs({ options: { steps: { type: 'string', default: '400' } } });
const numSteps = Number(values.steps);
const numWarmUps = 100;
const numRunning = 256;
const promptLen = 256;
const pageLen = 16;
const targetMs = 2;

const hashOf = (text) => createHash('sha256').update(text).digest('hex');

const description = (numLanes, numPages) => ({
  modelRevision: 'bench',
  numRanks: 1,
  numLanes,
  maxContextLen: 4096,
  maxStepTokens: 8192,
  vocabSize: 32,
  hiddenSize: 4,
  kvLayout: { dtype: 'float32', pageLen, numPages, layersPerMemory: 1 },
  isRowInvariant: true,
});

/** Ranks that sample 7 for everybody; tells how long each plan took to come after the result before it. */
class InstantGroup {
  groupId = 'bench';
  seals = [];
  lost = new Promise(() => {});
  durationsMs = [];
  #admitted = new Map();
  #answeredAtMs;
  #isHeld = true;
  #release = () => {};

  constructor(given) {
    this.description = given;
  }

  async stage() {
    return true;
  }
  async unstage() {}
  async close() {}

  /** Steps are answered from now on. */
  open() {
    this.#isHeld = false;
    this.#release();
  }

  async step({ stepId, released, admitted, chunks }) {
    const plannedAtMs = performance.now();
    if (this.#answeredAtMs !== undefined && chunks.length === numRunning) {
      this.durationsMs.push(plannedAtMs - this.#answeredAtMs);
    }
    for (const lane of released) this.#admitted.delete(lane);
    for (const sequence of admitted) this.#admitted.set(sequence.lane, { id: sequence.sequenceId, numOutputs: 0 });
    if (this.#isHeld) {
      await new Promise((resolve) => {
        this.#release = resolve;
      });
    }
    // Another turn of the event loop, as results come: gateways have read their tokens by then.
    await new Promise((resolve) => setImmediate(resolve));
    const outputs = chunks.filter(({ samples }) => samples).map(({ lane }) => this.#sample(lane));
    const spent = { totalMs: 0, matmulMs: 0, attentionMs: 0, allReduceMs: 0, samplingMs: 0 };
    this.#answeredAtMs = performance.now();
    return { stepId, outputs, spent };
  }

  #sample(lane) {
    const { id, numOutputs } = this.#admitted.get(lane);
    this.#admitted.set(lane, { id, numOutputs: numOutputs + 1 });
    return { sequenceId: id, lane, tokens: [{ tokenId: 7, outputIndex: numOutputs }] };
  }
}

function createRequest(index) {
  const tokenIds = Int32Array.from({ length: promptLen }, (_, i) => (index * 31 + i) % 32);
  const axis = Int32Array.from({ length: promptLen }, (_, i) => i);
  const blocks = Array.from({ length: promptLen / pageLen }, (_, i) => hashOf(`${index}/${i}`));
  return {
    requestId: `r${index}`,
    attempt: 0,
    modelRevision: 'bench',
    tenant: `tenant-${index % 8}`,
    class: index % 4 === 0 && index >= numRunning ? 'batch' : 'interactive',
    priority: 0,
    tokenIds,
    resumeTokens: [],
    segments: [{ kind: 'text', offset: 0, length: promptLen }],
    positions: { temporal: axis, height: axis, width: axis, next: promptLen },
    sampling: greedySampling,
    maxTokens: numWarmUps + numSteps + 50,
    stopTokenIds: [],
    deadlineMs: undefined,
    prefix: { pageLen, root: hashOf('root'), blocks },
    numMediaBytes: 0,
  };
}

async function measure(title, { numQueued, numLanes, numPages }) {
  const group = new InstantGroup(description(numLanes, numPages));
  const limits = { maxWaitingRequests: 20_000, maxWaitingTokens: 1e9 };
  const scheduler = createScheduler({ now: Date.now }, { ...defaultSchedulerConfig, ...limits, isOverlapped: false });
  scheduler.addGroup(group);
  const end = new AbortController();
  setMaxListeners(0, end.signal);
  const consume = async (index) => {
    for await (const _event of scheduler.generate(createRequest(index), end.signal));
  };
  const consumers = Array.from({ length: numRunning }, (_, i) => consume(i).catch(() => {}));
  await new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < numQueued; i++) consumers.push(consume(numRunning + i).catch(() => {}));
  await new Promise((resolve) => setImmediate(resolve));
  group.open();
  while (group.durationsMs.length < numWarmUps + numSteps) await new Promise((resolve) => setImmediate(resolve));
  const { numWaiting } = scheduler.snapshot;
  end.abort();
  await Promise.all(consumers);
  const sorted = group.durationsMs.slice(numWarmUps, numWarmUps + numSteps).sort((a, b) => a - b);
  const at = (quantile) => sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))];
  const [median, p99] = [at(0.5), at(0.99)].map((ms) => ms.toFixed(3));
  console.log(`${title.padEnd(42)} ${String(numWaiting).padStart(6)} waiting   median ${median} ms   p99 ${p99} ms`);
  return at(0.99);
}

const pagesOfAll = (numRunning * (promptLen + numWarmUps + numSteps + 64)) / pageLen;
console.log(`${os.cpus()[0].model}, Node.js ${process.version}, ${numRunning} running, ${numSteps} steps`);
await measure('(to warm up)', { numQueued: 100, numLanes: numRunning, numPages: pagesOfAll });
const p99s = [
  await measure('nobody waits', { numQueued: 0, numLanes: numRunning, numPages: pagesOfAll }),
  await measure('no lane is free', { numQueued: 10_000, numLanes: numRunning, numPages: pagesOfAll }),
];
console.log(`target: p99 below ${targetMs} ms: ${p99s.every((p99) => p99 < targetMs) ? 'met' : 'missed'}`);
