import cliProgress from 'cli-progress';
import type { ProgressUnit } from './format-quantity.js';
import { ProgressStatus } from './progress-status.js';

export interface ProgressOptions {
  /** What is being done, such as `Compiling`. */
  readonly title: string;
  readonly total: number;
  /** Default `count`. */
  readonly unit?: ProgressUnit;
  /** Default process.stderr, so that a command's answer on stdout stays clean. */
  readonly stream?: NodeJS.WriteStream | PlainStream;
  readonly isSilent?: boolean;
  /** Time between two lines where there is no terminal to draw a bar on. Default 5 000. */
  readonly lineIntervalMs?: number;
  readonly now?: () => number;
}

export interface PlainStream {
  readonly isTTY?: false;
  write(text: string): unknown;
}

/** A long piece of work as a person follows it. `finish` or `fail` must be called, or the terminal keeps the bar. */
export interface Progress {
  /** `amount` more is done, in the unit of the total. */
  advance(amount: number): void;
  finish(): void;
  /** Leaves what was reached on the screen. */
  fail(): void;
}

/** A bar on a terminal, a line every few seconds elsewhere, with rate and time left; nothing when silent. */
export function createProgress(options: ProgressOptions): Progress {
  if (options.isSilent) return { advance() {}, finish() {}, fail() {} };
  const { stream = process.stderr } = options;
  return stream.isTTY ? createBar(options, stream) : createLines(options, stream);
}

function createBar(options: ProgressOptions, stream: NodeJS.WriteStream): Progress {
  const status = new ProgressStatus(options);
  const bar = new cliProgress.SingleBar(
    { format: '{title} {bar} {percentage} % {status}', stream, hideCursor: true, barsize: 24, linewrap: false },
    cliProgress.Presets.shades_classic,
  );
  bar.start(options.total, 0, { title: options.title, status: status.describe() });
  return {
    advance(amount) {
      status.advance(amount);
      bar.update(status.done, { status: status.describe() });
    },
    finish() {
      bar.update(options.total, { status: status.summarise() });
      bar.stop();
    },
    fail: () => bar.stop(),
  };
}

function createLines(options: ProgressOptions, stream: { write(text: string): unknown }): Progress {
  const { title, lineIntervalMs = 5_000 } = options;
  const status = new ProgressStatus(options);
  let lineMs = status.startMs;
  return {
    advance(amount) {
      status.advance(amount);
      if (status.nowMs() - lineMs < lineIntervalMs) return;
      lineMs = status.nowMs();
      stream.write(`${title}: ${status.percentage()} %, ${status.describe()}\n`);
    },
    finish: () => stream.write(`${title}: ${status.summarise()}\n`),
    fail: () => stream.write(`${title}: stopped at ${status.percentage()} %\n`),
  };
}
