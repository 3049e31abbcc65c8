/** One operation of a run; times in microseconds, on the clock of the trace. */
export interface TracedNode {
  /** Path in the graph, as the compiler named it; ONNX Runtime's own name for what it fused. */
  readonly name: string;
  readonly opType: string;
  readonly startUs: number;
  readonly durationUs: number;
  /** The part at the end of parallel loops in which the calling thread waited for the others. */
  readonly waitUs: number;
}

/** One run of a graph. */
export interface TracedRun {
  readonly startUs: number;
  readonly durationUs: number;
  /** In the order in which they ran. */
  readonly nodes: readonly TracedNode[];
}

/** What is read of an event in ONNX Runtime's profile. */
interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args: {
    readonly op_name?: string;
    readonly thread_scheduling_stats?: {
      readonly main_thread?: { readonly Wait: number; readonly WaitRevoke: number };
    };
  };
}

const nodeSuffix = '_kernel_time';

/** The runs in the profile that one session wrote, in order. */
export function parseSessionTrace(text: string): TracedRun[] {
  const events = JSON.parse(text) as TraceEvent[];
  const runs = events
    .filter(({ cat, name }) => cat === 'Session' && name === 'model_run')
    .map(({ ts, dur }) => ({ startUs: ts, durationUs: dur, nodes: [] as TracedNode[] }))
    .sort((a, b) => a.startUs - b.startUs);
  const nodes = events.filter(({ cat, name }) => cat === 'Node' && name.endsWith(nodeSuffix)).map(readNode);
  nodes.sort((a, b) => a.startUs - b.startUs);
  let run = 0;
  for (const node of nodes) {
    while (run < runs.length && runs[run].startUs + runs[run].durationUs < node.startUs) run++;
    runs[run]?.nodes.push(node);
  }
  return runs;
}

function readNode({ name, ts, dur, args }: TraceEvent): TracedNode {
  const main = args.thread_scheduling_stats?.main_thread;
  return {
    name: name.slice(0, -nodeSuffix.length),
    opType: args.op_name ?? '',
    startUs: ts,
    durationUs: dur,
    // Both clocks are rounded to microseconds, each on its own.
    waitUs: main ? Math.min(dur, main.Wait + main.WaitRevoke) : 0,
  };
}
