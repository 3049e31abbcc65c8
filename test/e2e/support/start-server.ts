import { ApiClient } from './api-client.js';
import { runTessera, sharedEngineCache, type TesseraProcess } from './tessera-process.js';

export interface Server {
  readonly url: string;
  readonly api: ApiClient;
  readonly process: TesseraProcess;
  /** Ends it as Ctrl-C does; rejects when it does not end cleanly. */
  stop(): Promise<void>;
}

/** Flags without their dashes; true is a flag without a value. */
export type ServerOptions = Readonly<Record<string, string | number | true>>;

/** `tessera serve` with these options on a free port and with `env` in its environment, ready for requests. */
export async function startServer(
  options: ServerOptions = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const given: ServerOptions = { port: 0, 'engine-cache': sharedEngineCache, 'log-level': 'warn', ...options };
  const flags = Object.entries(given).flatMap(([name, value]) => [
    `--${name}`,
    ...(value === true ? [] : [String(value)]),
  ]);
  const tessera = runTessera(['serve', ...flags], env);
  const [, url] = await tessera.printed(/^Tessera serves \S+ at (\S+)/m);
  return {
    url: url!,
    api: new ApiClient(url!),
    process: tessera,
    async stop() {
      tessera.signal('SIGINT');
      const code = await tessera.exited;
      if (code !== 0) throw new Error(`The server ended with ${code}:\n${tessera.output}`);
    },
  };
}
