import { type LevelWithSilent, type Logger, pino } from 'pino';
import { formatLogLine } from './format-log-line.js';
import { serializeLoggedError } from './serialize-logged-error.js';

export type { Logger } from 'pino';
export type LogLevel = LevelWithSilent;

/** Where lines go; process.stdout and process.stderr are such streams. */
export interface LogStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface LoggerOptions {
  /** Name of the service; part of every JSON line. */
  readonly name: string;
  /** Least level that is written. Default `info`. */
  readonly level?: LogLevel;
  /** Default process.stdout; commands whose answer goes there log to process.stderr. */
  readonly stream?: LogStream;
  /** One readable line an entry instead of JSON. Default: whether the stream is a terminal. */
  readonly isPretty?: boolean;
}

/** Never written, whatever an object that is logged holds. */
const secretPaths = ['authorization', 'apiKey', 'password', 'token'].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

/** A pino logger: readable single lines on a terminal, JSON elsewhere; secrets masked; errors under `err`. */
export function createLogger(options: LoggerOptions): Logger {
  const { name, level = 'info', stream = process.stdout } = options;
  const isPretty = options.isPretty ?? stream.isTTY === true;
  return pino(
    {
      name,
      level,
      base: { name },
      redact: { paths: secretPaths, censor: '***' },
      serializers: { err: serializeLoggedError },
    },
    isPretty ? { write: (line) => stream.write(`${formatLogLine(line)}\n`) } : { write: (line) => stream.write(line) },
  );
}
