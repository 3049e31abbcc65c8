const levelNames: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

const errorLevel = 50;

/** pino's own fields, which the readable line shows in its own way or not at all. */
const ownFields = new Set(['level', 'time', 'name', 'msg', 'err']);

/**
 * Turns pino's JSON into `18:04:05.123 info  message key=value`, with `err` on lines of its own: with stacks where it is an
 * error, without where it is a warning.
 */
export function formatLogLine(json: string): string {
  const entry = JSON.parse(json) as { level: number; time: number; msg?: string; err?: LoggedError };
  const fields = Object.entries(entry).filter(([name]) => !ownFields.has(name));
  const line = [
    new Date(entry.time).toISOString().slice(11, 23),
    (levelNames[entry.level] ?? String(entry.level)).padEnd(5),
    ...(entry.msg === undefined ? [] : [entry.msg]),
    ...fields.map(([name, value]) => `${name}=${formatValue(value)}`),
  ].join(' ');
  if (entry.err === undefined) return line;
  return `${line}\n${entry.level < errorLevel ? formatMessages(entry.err) : formatStacks(entry.err)}`;
}

interface LoggedError {
  readonly message: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

/** What is an error may be a bug, which has to be found. */
function formatStacks({ message, stack, cause }: LoggedError): string {
  const own = `  ${(stack ?? message).replaceAll('\n', '\n  ')}`;
  return cause === undefined ? own : `${own}\n  caused by\n${formatStacks(cause)}`;
}

/** What was lived with needs no stack, and no cause that says the same. */
function formatMessages({ message, cause }: LoggedError): string {
  const why = cause === undefined || message.includes(cause.message) ? '' : `\n  caused by\n${formatMessages(cause)}`;
  return `  ${message.replaceAll('\n', '\n  ')}${why}`;
}

function formatValue(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return /[\s"=]/.test(value) ? JSON.stringify(value) : value;
}
