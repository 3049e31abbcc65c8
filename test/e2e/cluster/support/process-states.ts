/** What the log of a cluster says of one of its processes. */
export interface ProcessState {
  readonly pid: number;
  /** Times that it was started. */
  readonly numStarts: number;
  readonly isUp: boolean;
  /** It does its work; of Redis and NATS the log tells no more than that they are up. */
  readonly isReady: boolean;
  /** Of its HTTP server. */
  readonly url?: string;
}

const lineParts = /^(?<name>\S+) +[\d:.]+ (?:info|warn) +(?<text>.*)$/;

type Event = (state: ProcessState | undefined, match: RegExpExecArray) => ProcessState | undefined;

const events: readonly (readonly [pattern: RegExp, event: Event])[] = [
  [/^started pid=(\d+)$/, (state, [, pid]) => started(Number(pid), state)],
  [/^(?:status served|gateway listens) url=(\S+)$/, (state, [, url]) => state && { ...state, url }],
  [/^(?:decoder|vision encoder|scheduler|gateway) ready/, (state) => state && { ...state, isReady: true }],
  [/^ended with /, (state) => state && { ...state, isUp: false, isReady: false }],
];

/** The processes of a cluster by name, as the lines of its log tell of them. */
export function readProcessStates(log: string): ReadonlyMap<string, ProcessState> {
  const states = new Map<string, ProcessState>();
  for (const line of log.split('\n')) {
    const { name, text } = lineParts.exec(line)?.groups ?? {};
    if (name === undefined || text === undefined) continue;
    for (const [pattern, event] of events) {
      const match = pattern.exec(text);
      const state = match && event(states.get(name), match);
      if (state) states.set(name, /^(?:redis|nats)$/.test(name) ? { ...state, isReady: state.isUp } : state);
    }
  }
  return states;
}

function started(pid: number, before: ProcessState | undefined): ProcessState {
  return { pid, numStarts: (before?.numStarts ?? 0) + 1, isUp: true, isReady: false };
}
