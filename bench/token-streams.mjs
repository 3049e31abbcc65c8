// What it costs scheduler and gateway, real processes, to pass on the tokens of many streams. The decoder is a stub that
// gives every sequence a token at each beat.
//
//   npm run build && node bench/token-streams.mjs [--streams 256] [--interval 100] [--seconds 20] [--profile <folder>]
//
// Wanted: below 20 % of a core for both together. --profile writes CPU profiles of both.
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BenchCell } from './support/bench-cell.mjs';
import { describeMachine } from './support/describe-machine.mjs';
import { readProcessTimeMs } from './support/process-time.mjs';

const { values: options } = parseArgs({
  options: {
    streams: { type: 'string', default: '256' },
    interval: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '20' },
    profile: { type: 'string' },
  },
});
const numStreams = Number(options.streams);
const intervalMs = Number(options.interval);
const measureMs = 1000 * Number(options.seconds);
const wantedShare = 0.2;
const warmUpMs = 5_000;
const model = fileURLToPath(new URL('../models/tessera-tiny', import.meta.url));

/** The two processes that are measured, beside stubs of the others. */
async function startProcesses(cell) {
  const profileDir = options.profile;
  await cell.startScript('stub-workers.mjs', [cell.nats, intervalMs, numStreams], /stub workers ready/);
  const scheduler = await cell.startService('scheduler', {}, { readyWhen: /"leading group"/, profileDir });
  const gateway = await cell.startService('gateway', { model, port: 0 }, { readyWhen: /"gateway ready"/, profileDir });
  return { scheduler, gateway };
}

/** Share of a core by process, and tokens that came a second. */
async function measure(processes) {
  const leaving = new AbortController();
  let numNewlines = 0;
  const onNewline = () => numNewlines++;
  const { url } = processes.gateway.entry;
  await Promise.all(Array.from({ length: numStreams }, () => openStream(url, leaving.signal, onNewline)));
  await pause(warmUpMs);
  const timesMs = () => Object.entries(processes).map(([name, { pid }]) => [name, readProcessTimeMs(pid)]);
  const [before, numBefore, startMs] = [new Map(timesMs()), numNewlines, performance.now()];
  await pause(measureMs);
  const elapsedMs = performance.now() - startMs;
  const shares = timesMs().map(([name, ms]) => [name, (ms - before.get(name)) / elapsedMs]);
  // An event is a line and an empty one.
  const tokensPerSecond = (1000 * (numNewlines - numBefore)) / 2 / elapsedMs;
  leaving.abort();
  return { shares, tokensPerSecond };
}

/** Resolves when the stream has begun. This process shares the machine: it only counts the lines that come. */
async function openStream(url, signal, onNewline) {
  const messages = [{ role: 'user', content: 'hello' }];
  const body = JSON.stringify({ messages, max_tokens: 4000, ignore_eos: true, stream: true });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body, signal });
  if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`);
  void countNewlines(response.body, onNewline).catch((error) => {
    if (!signal.aborted) throw error;
  });
}

async function countNewlines(body, onNewline) {
  for await (const bytes of body) for (const byte of bytes) if (byte === 10) onNewline();
}

function print({ shares, tokensPerSecond }) {
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  console.log(`${numStreams} streams, a token each every ${intervalMs} ms, ${measureMs / 1000} s`);
  console.log(`tokens passed on: ${tokensPerSecond.toFixed(0)} a second of ${(1000 * numStreams) / intervalMs}`);
  for (const [name, share] of shares) console.log(`${name}: ${percent(share)} of a core`);
  const total = shares.reduce((sum, [, share]) => sum + share, 0);
  console.log(`together: ${percent(total)}; wanted: below ${percent(wantedShare)} ${total < wantedShare ? '✓' : '✗'}`);
}

console.log(describeMachine());
print(await BenchCell.run(async (cell) => measure(await startProcesses(cell))));
