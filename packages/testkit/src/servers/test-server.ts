import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  findFreePort,
  type LocalServerOptions,
  type ServerCommand,
  type ServerProcess,
  startServer,
} from '@tessera/runtime';

/** A real server of one test, alone on its port and in its folder. */
export class TestServer {
  readonly url: string;
  readonly #command: ServerCommand;
  readonly #dir: string;
  #process: ServerProcess;

  private constructor(url: string, command: ServerCommand, dir: string, process: ServerProcess) {
    this.url = url;
    this.#command = command;
    this.#dir = dir;
    this.#process = process;
  }

  static async start(
    protocol: string,
    createCommand: (options: LocalServerOptions) => ServerCommand,
  ): Promise<TestServer> {
    const dir = mkdtempSync(join(tmpdir(), `tessera-${protocol}-`));
    const port = await findFreePort();
    const command = createCommand({ port, dir });
    return new TestServer(`${protocol}://127.0.0.1:${port}`, command, dir, await startServer(command));
  }

  /** Of the process that runs now: another one after a restart. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Connections stay open and nothing answers. */
  pause(): void {
    this.#process.signal('SIGSTOP');
  }

  resume(): void {
    this.#process.signal('SIGCONT');
  }

  /** Kills it as a crash would, and starts it at the same port and folder once `whileDown` has resolved. */
  async restart(whileDown: () => Promise<void> = async () => {}): Promise<void> {
    this.#process.signal('SIGKILL');
    await this.#process.exited;
    await whileDown();
    this.#process = await startServer(this.#command);
  }

  /** Ends it, paused or not, and removes its folder. */
  async stop(): Promise<void> {
    await this.#process.stop();
    rmSync(this.#dir, { recursive: true });
  }
}
