import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServingError } from '@tessera/domain';
import type { InferenceSession } from 'onnxruntime-node';
import { parseSessionTrace, type TracedRun } from './parse-session-trace.js';

/** One run of a graph as its caller saw it; times in milliseconds, on the clock of `performance.now()`. */
export interface GraphRun {
  /** The graph's path in the engine directory. */
  readonly graph: string;
  readonly startMs: number;
  readonly durationMs: number;
  /** In order; empty when the run was not profiled. */
  readonly nodes: readonly NodeRun[];
}

/** One operation of a run. A run's nodes don't overlap and lie within it. */
export interface NodeRun {
  /** Path in the graph, such as `/model/layers.0/mlp/down_proj/Gemm`. */
  readonly name: string;
  readonly opType: string;
  readonly startMs: number;
  readonly durationMs: number;
  /** The part of it that the calling thread waited for its helpers. */
  readonly waitMs: number;
}

interface ObservedSession {
  readonly graph: string;
  readonly session: InferenceSession;
  runs: GraphRun[];
}

const scope = new AsyncLocalStorage<SessionProfiler>();

/**
 * Profiles the sessions that are created inside `watch`, however deep, so that nothing between here and them has to
 * hand an option on. ONNX Runtime notes every operation, which takes time of its own between them.
 */
export class SessionProfiler {
  readonly #dir: string;
  readonly #sessions: ObservedSession[] = [];

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Traces are kept in a temporary folder until `close`. */
  static async create(): Promise<SessionProfiler> {
    return new SessionProfiler(await mkdtemp(join(tmpdir(), 'tessera-profile-')));
  }

  /** The profiler whose `watch` the caller runs in; undefined outside of any. */
  static get current(): SessionProfiler | undefined {
    return scope.getStore();
  }

  watch<Result>(work: () => Promise<Result>): Promise<Result> {
    return scope.run(this, work);
  }

  /** Options for the session that is observed next. */
  get sessionOptions(): InferenceSession.SessionOptions {
    return { enableProfiling: true, profileFilePrefix: join(this.#dir, tracePrefix(this.#sessions.length)) };
  }

  /** Notes the runs of a session that was created with `sessionOptions`. */
  observe(graph: string, session: InferenceSession): void {
    const observed: ObservedSession = { graph, session, runs: [] };
    this.#sessions.push(observed);
    const run = session.run.bind(session) as (...args: unknown[]) => ReturnType<InferenceSession['run']>;
    session.run = async (...args: unknown[]) => {
      const startMs = performance.now();
      const outputs = await run(...args);
      observed.runs.push({ graph, startMs, durationMs: performance.now() - startMs, nodes: [] });
      return outputs;
    };
  }

  /** Gives all runs so far their nodes. The sessions, which must not be released before, run on without profiling. */
  async finish(): Promise<void> {
    for (const { session } of this.#sessions) session.endProfiling();
    const files = await readdir(this.#dir);
    for (const [i, observed] of this.#sessions.entries()) {
      const file = files.find((name) => name.startsWith(tracePrefix(i)));
      const trace = file ? await readFile(join(this.#dir, file), 'utf8') : '[]';
      observed.runs = addNodes(observed, parseSessionTrace(trace));
    }
  }

  /** All runs so far, in order; those after `finish` have no nodes. */
  get runs(): GraphRun[] {
    return this.#sessions.flatMap(({ runs }) => runs).sort((a, b) => a.startMs - b.startMs);
  }

  /** Removes the traces. */
  async close(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }
}

const tracePrefix = (index: number): string => `session-${index}_`;

/** The trace has a clock of its own: a run is taken to begin there when it was called here. */
function addNodes({ graph, runs }: ObservedSession, traced: readonly TracedRun[]): GraphRun[] {
  if (traced.length !== runs.length) {
    throw new ServingError('internal', `The trace of ${graph} has ${traced.length} runs instead of ${runs.length}.`);
  }
  return runs.map((run, i) => {
    const nodes = traced[i].nodes.map(({ name, opType, startUs, durationUs, waitUs }) => ({
      name,
      opType,
      startMs: run.startMs + (startUs - traced[i].startUs) / 1000,
      durationMs: durationUs / 1000,
      waitMs: waitUs / 1000,
    }));
    return { ...run, nodes };
  });
}
