// Loaded into processes before they start (NODE_OPTIONS=--import). A process whose command is named in
// CALLBACK_MONITOR_COMMANDS measures, from SIGUSR2 to its exit, how long its main thread is held by each callback and
// how late its event loop comes round, and writes a summary to CALLBACK_MONITOR_DIR/<name>.json.
//
// What counts is the thread's own run time: the callbacks of a busy machine take longer by the clock. The kernel books it
// at its ticks and switches, so a figure may be off by a tick (1–4 ms).
//
// With CALLBACK_MONITOR_STACKS=1 every callback is told with the stack that asked for it; that costs time of its own.
import { createHook, executionAsyncResource } from 'node:async_hooks';
import { openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const numLongest = 20;
const lagResolutionMs = 5;
const {
  CALLBACK_MONITOR_COMMANDS: commands = '',
  CALLBACK_MONITOR_DIR: dir,
  CALLBACK_MONITOR_STACKS: stacks,
} = process.env;
const [, , command, ...args] = process.argv;
const name = args[args.indexOf('--name') + 1];

if (isMainThread && commands.split(',').includes(command)) {
  process.once('SIGUSR2', () => {
    const summarize = measureCallbacks();
    const lag = monitorEventLoopDelay({ resolution: lagResolutionMs });
    lag.enable();
    process.once('exit', () => {
      const summary = { ...summarize(), lagMs: lagOf(lag) };
      writeFileSync(join(dir, `${name}.json`), JSON.stringify(summary, undefined, 2));
    });
    process.stdout.write('callbacks are measured\n');
  });
}

/** Follows every callback that the event loop makes, and the ticks and promise reactions after it one by one. */
function measureCallbacks() {
  const readRunMs = createRunClock();
  const begunAtMs = readRunMs();
  const origins = new WeakMap();
  let longest = [];
  let numCallbacks = 0;
  let depth = 0;
  let startMs = 0;
  let startRunMs = 0;

  const before = () => {
    if (depth++ > 0) return;
    startMs = performance.now();
    startRunMs = readRunMs();
  };
  const after = () => {
    // The end of the callback in which this began.
    if (depth === 0 || --depth > 0) return;
    numCallbacks++;
    // What was booked late belongs to the callback before: this one cannot have run for longer than the clock says.
    const runMs = Math.min(readRunMs() - startRunMs, performance.now() - startMs);
    if (longest.length < numLongest || runMs > longest.at(-1).runMs) note(runMs);
  };
  const note = (runMs) => {
    const resource = executionAsyncResource();
    const frames = origins.get(resource)?.stack.split('\n').slice(1);
    const stack = frames?.filter((frame) => !frame.includes('node:internal/async_hooks'));
    longest = [...longest, { runMs, ...describe(resource), stack }]
      .sort((a, b) => b.runMs - a.runMs)
      .slice(0, numLongest);
  };
  const init = (_id, type, _trigger, resource) => origins.set(resource, new Error(type));
  createHook({ before, after, ...(stacks === '1' && { init }) }).enable();

  return () => ({ numCallbacks, runMs: readRunMs() - begunAtMs, longest });
}

/** The main thread's time on a core, in milliseconds. */
function createRunClock() {
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`);
  const bytes = Buffer.alloc(64);
  return () => {
    readSync(file, bytes, 0, bytes.length, 0);
    return Number(bytes.toString('latin1', 0, bytes.indexOf(' '))) / 1e6;
  };
}

/** What the event loop called: Timeout, TCP, Promise, …; and the function of a timer or tick, as far as it has a name. */
function describe(resource) {
  const callback = resource._onTimeout ?? resource._onImmediate ?? resource.callback;
  const type = resource.constructor === Object && callback ? 'TickObject' : resource.constructor?.name;
  return { type, function: callback?.name || undefined };
}

function lagOf(histogram) {
  const lagAt = (percentile) => Math.max(0, histogram.percentile(percentile) / 1e6 - lagResolutionMs);
  return {
    p50: lagAt(50),
    p99: lagAt(99),
    'p99.9': lagAt(99.9),
    max: Math.max(0, histogram.max / 1e6 - lagResolutionMs),
  };
}
