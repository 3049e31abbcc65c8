// Gaps between the tokens of a running answer while pictures are encoded beside it, against those of quiet times; and how
// much more 8 answers at once get than one. Real processes: encoder on core 1, all others on core 0.
//
//   npm run build && node bench/stream-beside-encode.mjs --checkpoint <folder> --engine-cache <folder> \
//     [--weights int8] [--image 1092] [--seconds 30] [--rounds 2]
//
// Wanted: a 99th percentile beside encoding of at most twice the quiet one. The pictures go to the encoder only: what
// their prompts cost the decoder is another figure, and printed as one (`asked about`).
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loadProcessor } from '@tessera/onnx-graph';
import { connectVisionEncoder } from '@tessera/rpc';
import sharp from 'sharp';
import { BenchCell } from './support/bench-cell.mjs';
import { describeMachine } from './support/describe-machine.mjs';
import { readStream } from './support/read-stream.mjs';

const { values: options } = parseArgs({
  options: {
    checkpoint: { type: 'string' },
    'engine-cache': { type: 'string' },
    weights: { type: 'string', default: 'int8' },
    image: { type: 'string', default: '1092' },
    seconds: { type: 'string', default: '30' },
    rounds: { type: 'string', default: '2' },
  },
});
for (const name of ['checkpoint', 'engine-cache']) {
  if (options[name] === undefined) throw new Error(`--${name} is missing; the head of this file says what it is.`);
}
const phaseMs = 1000 * Number(options.seconds);
const side = Number(options.image);
const [coreOfAll, coreOfEncoder] = [0, 1];
const numConcurrent = 8;
/** Short, so that answers of all phases are equally long: a step takes longer behind a longer context. */
const answerLen = 64;
const wantedRatio = 2;

async function startProcesses(cell) {
  const { checkpoint: model, weights } = options;
  const engine = { model, weights, 'engine-cache': options['engine-cache'], threads: 1 };
  const decoding = { ...engine, 'max-sequences': numConcurrent + 1, 'kv-cache-tokens': 16_384 };
  await cell.startService('decoder', decoding, { readyWhen: /"decoder ready"/, core: coreOfAll });
  const encoder = await cell.startService('vision-encoder', engine, {
    readyWhen: /"vision encoder ready"/,
    core: coreOfEncoder,
  });
  await cell.startService('scheduler', {}, { readyWhen: /"encoder joined"/, core: coreOfAll });
  const gateway = await cell.startService(
    'gateway',
    { model, port: 0 },
    { readyWhen: /"gateway ready"/, core: coreOfAll },
  );
  return { url: gateway.entry.url, encoderAddress: encoder.entry.address };
}

/** Streams of one answer after another until the signal aborts; calls back at every event but the first of an answer. */
async function keepAnswering(url, signal, onTokens) {
  const fields = { max_tokens: answerLen, ignore_eos: true, temperature: 0, logprobs: true };
  const body = { messages: [{ role: 'user', content: 'Tell me a long story.' }], ...fields };
  try {
    while (!signal.aborted) {
      let lastAtMs;
      for await (const { choices } of readStream(url, body, signal)) {
        const numTokens = choices[0]?.logprobs?.content.length ?? 0;
        if (numTokens === 0) continue;
        const atMs = performance.now();
        if (lastAtMs !== undefined) onTokens(numTokens, atMs - lastAtMs);
        lastAtMs = atMs;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Gaps in milliseconds between the tokens of one answer at a time, while `work` is done again and again beside it. */
async function measureGaps(url, work) {
  const gapsMs = [];
  const leaving = new AbortController();
  const answering = keepAnswering(url, leaving.signal, (_, gapMs) => gapsMs.push(gapMs));
  const endAtMs = performance.now() + phaseMs;
  let numDone = 0;
  for (; performance.now() < endAtMs; numDone++) await work();
  leaving.abort();
  await answering;
  return { gapsMs, numDone };
}

/** Tokens a second of so many answers at once. */
async function measureThroughput(url, numAnswers) {
  let numTokens = 0;
  const ending = AbortSignal.timeout(phaseMs);
  const onTokens = (num) => {
    numTokens += num;
  };
  await Promise.all(Array.from({ length: numAnswers }, () => keepAnswering(url, ending, onTokens)));
  return (1000 * numTokens) / phaseMs;
}

/** Has the encoder encode one more picture, under a key of its own. */
async function createUploader(address) {
  const encoder = connectVisionEncoder(address);
  const source = await drawPicture();
  const { grid, resized } = (await loadProcessor(options.checkpoint)).measureImage({ width: side, height: side });
  const processing = { resizedHeight: resized.height, resizedWidth: resized.width };
  const job = { tenant: 'default', kind: 'image', grid, processing, source };
  return {
    numTokens: (grid.t * grid.h * grid.w) / 4,
    upload: async () => {
      const key = randomUUID();
      await encoder.encode({ ...job, ticket: key, embeddingKey: key }, new AbortController().signal);
    },
    close: () => encoder.close(),
  };
}

/** Asks the gateway about a picture that nobody has asked about. */
async function createAsker(url) {
  const dataUri = `data:image/png;base64,${(await drawPicture()).toString('base64')}`;
  const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: dataUri } }] }];
  return async () => {
    for await (const _ of readStream(url, { messages, max_tokens: 1, cache_salt: randomUUID() }));
  };
}

/** Of few bytes, so that it takes no time to send. */
function drawPicture() {
  const colours = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => (i * 97) % 256);
  return sharp(colours, { raw: { width: 8, height: 8, channels: 3 } })
    .resize(side, side, { kernel: 'nearest' })
    .png()
    .toBuffer();
}

async function measure(cell) {
  const { url, encoderAddress } = await startProcesses(cell);
  const uploader = await createUploader(encoderAddress);
  const works = { quiet: () => pause(phaseMs), encoded: uploader.upload, 'asked about': await createAsker(url) };
  await measureThroughput(url, numConcurrent);
  await uploader.upload();
  const results = Object.fromEntries(Object.keys(works).map((name) => [name, { gapsMs: [], numDone: 0 }]));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [name, work] of Object.entries(works)) {
      const { gapsMs, numDone } = await measureGaps(url, work);
      results[name].gapsMs.push(...gapsMs);
      results[name].numDone += numDone;
    }
  }
  const throughputs = [];
  for (const numAnswers of [1, numConcurrent]) throughputs.push(await measureThroughput(url, numAnswers));
  uploader.close();
  return { numTokens: uploader.numTokens, results, throughputs };
}

function print({ numTokens, results, throughputs }) {
  console.log(`${options.checkpoint}, --weights ${options.weights}; ${side} × ${side} pictures of ${numTokens} tokens`);
  console.log(`gaps between tokens of one answer, ${options.rounds} × ${options.seconds} s of each:`);
  console.log('| beside | done | gaps | p50 (ms) | p99 (ms) | longest (ms) |');
  console.log('|---|---|---|---|---|---|');
  for (const [name, { gapsMs, numDone }] of Object.entries(results)) {
    const columns = [50, 99, 100].map((percentile) => percentileOf(gapsMs, percentile).toFixed(1));
    console.log(`| ${[name, numDone, gapsMs.length, ...columns].join(' | ')} |`);
  }
  const [quiet, encoded] = ['quiet', 'encoded'].map((name) => percentileOf(results[name].gapsMs, 99));
  const ratio = encoded / quiet;
  console.log(
    `p99 while encoded: ${ratio.toFixed(2)} × quiet; wanted: ${wantedRatio} ${ratio <= wantedRatio ? '✓' : '✗'}`,
  );
  const [one, many] = throughputs;
  console.log(
    `tokens a second: ${one.toFixed(1)} of 1 answer, ${many.toFixed(1)} of ${numConcurrent} at once: ${(many / one).toFixed(2)} ×`,
  );
}

function percentileOf(values, percentile) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percentile) / 100) - 1)];
}

console.log(describeMachine());
execFileSync('taskset', ['--cpu-list', '--pid', String(coreOfAll), String(process.pid)]);
print(await BenchCell.run(measure));
