import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const repositoryDir = fileURLToPath(new URL('../../../', import.meta.url));

/** Where the suites keep their engines: compiled once, used by all. */
export const sharedEngineCache = `${repositoryDir}node_modules/.cache/tessera-e2e`;

/** The `tessera` command as a user runs it. */
export interface TesseraProcess {
  readonly pid: number;
  /** What it wrote so far, standard output and error together. */
  readonly output: string;
  /** Exit status, null when a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Resolves with the match when the output has a line like `pattern`; rejects when the process ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
}

/** Starts `tessera` with these arguments; it never outlives this process. */
export function runTessera(args: readonly string[], env: Readonly<Record<string, string>> = {}): TesseraProcess {
  const child = spawn(process.execPath, ['services/cli/bin/tessera.mjs', ...args], {
    cwd: repositoryDir,
    env: { ...withoutOptions(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exited = once(child, 'close').then(([code]) => {
    process.off('exit', killWithUs);
    return code as number | null;
  });
  return {
    pid: child.pid!,
    get output() {
      return output;
    },
    exited,
    signal: (name) => child.kill(name),
    async printed(pattern) {
      for (;;) {
        const match = pattern.exec(output);
        if (match) return match;
        const ended = exited.then((code) => Promise.reject(new Error(`tessera ended with ${code}:\n${output}`)));
        const heard = new AbortController();
        const { signal } = heard;
        const said = [child.stdout, child.stderr].map((stream) => once(stream, 'data', { signal }));
        await Promise.race([...said, ended]).finally(() => heard.abort());
      }
    },
  };
}

/** Options come from the arguments of a test alone. */
function withoutOptions(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(TESSERA_.*|PORT)$/.test(name)));
}
