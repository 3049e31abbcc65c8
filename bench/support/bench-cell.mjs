import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort, natsServerCommand, startServer } from '@tessera/runtime';

const tessera = fileURLToPath(new URL('../../services/cli/dist/main.js', import.meta.url));

/** The processes of a cell, started one by one around a NATS server of its own. */
export class BenchCell {
  nats;
  #dir;
  #processes = [];

  /** Runs `work` with a new cell; nothing is left of it afterwards. */
  static async run(work) {
    const cell = new BenchCell();
    cell.#dir = await mkdtemp(join(tmpdir(), 'tessera-bench-'));
    try {
      const port = await findFreePort();
      await cell.#start(natsServerCommand({ port, dir: cell.#dir }));
      cell.nats = `nats://127.0.0.1:${port}`;
      return await work(cell);
    } finally {
      for (const { stop } of cell.#processes.reverse()) await stop();
      await rm(cell.#dir, { recursive: true });
    }
  }

  /** A script beside this one. */
  startScript(name, args, readyWhen) {
    const path = fileURLToPath(new URL(name, import.meta.url));
    return this.#start({ binary: process.execPath, args: [path, ...args.map(String)], readyWhen });
  }

  /**
   * A service as `tessera` runs it, with these options: on one core if `core` says which, with a CPU profile in the
   * folder `profileDir`. Resolves with its pid and the entry of its log that matches `readyWhen`.
   */
  startService(name, options, { readyWhen, core, profileDir }) {
    const flags = Object.entries(options).flatMap(([flag, value]) =>
      value === undefined ? [] : [`--${flag}`, String(value)],
    );
    const profile = profileDir
      ? ['--cpu-prof', '--cpu-prof-dir', profileDir, '--cpu-prof-name', `${name}.cpuprofile`]
      : [];
    const node = [process.execPath, ...profile, tessera, name, '--nats', this.nats, ...flags];
    const [binary, ...args] = core === undefined ? node : ['taskset', '--cpu-list', String(core), ...node];
    return this.#start({ binary, args, readyWhen });
  }

  async #start(command) {
    let readyLine;
    const onLine = (line) => {
      if (command.readyWhen.test(line)) readyLine ??= line;
    };
    const started = await startServer(command, { onLine, startTimeoutMs: 1_800_000, stopTimeoutMs: 15_000 });
    this.#processes.push(started);
    return { pid: started.pid, entry: readyLine.startsWith('{') ? JSON.parse(readyLine) : undefined };
  }
}
