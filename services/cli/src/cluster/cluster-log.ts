import { createLogger, formatLogLine, type Logger, type LogLevel, type LogStream } from '@tessera/runtime';

export interface ClusterLogOptions {
  /** Least important messages that are shown. */
  readonly level: LogLevel;
  /** Default process.stdout. */
  readonly stream?: LogStream;
}

/** The lines of many processes as one log. */
export interface ClusterLog {
  /** Shows a line that a process printed: an entry of its log if it is important enough, and anything else as it is. */
  hear(name: string, line: string): void;
  /** What is said of a process by the one that watches over it. */
  loggerOf(name: string): Logger;
}

/** Of the longest usual name. */
const nameWidth = 'decoder-10-1'.length;

const colours = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];
const levels: Readonly<Record<string, number>> = { debug: 20, info: 30, warn: 40, error: 50 };

/** `gateway-0    18:04:05.123 info  message key=value`; on a terminal every process has a colour. */
export function createClusterLog({ level, stream = process.stdout }: ClusterLogOptions): ClusterLog {
  const colourOf = new Map<string, number>();
  const prefixOf = (name: string) => {
    const colour = colourOf.get(name) ?? colours[colourOf.size % colours.length]!;
    colourOf.set(name, colour);
    const padded = name.padEnd(nameWidth);
    return stream.isTTY === true ? `\x1b[${colour}m${padded}\x1b[0m` : padded;
  };
  const show = (name: string, text: string) => {
    for (const line of text.split('\n')) stream.write(`${prefixOf(name)}  ${line}\n`);
  };
  const hear = (name: string, line: string) => {
    const entry = readEntry(line);
    if (entry === undefined) show(name, line);
    else if (entry.level >= (levels[level] ?? 0)) show(name, entry.text);
  };
  return {
    hear,
    loggerOf: (name) => createLogger({ name, level, stream: { write: (line) => hear(name, line.trimEnd()) } }),
  };
}

/** Undefined for a line that is no entry of a log, or only the beginning of one: a process may end amid a line. */
function readEntry(line: string): { readonly level: number; readonly text: string } | undefined {
  if (!/^\{"level":\d/.test(line)) return undefined;
  try {
    const { level } = JSON.parse(line) as { level: number };
    return { level, text: formatLogLine(line) };
  } catch {
    return undefined;
  }
}
