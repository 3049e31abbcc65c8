/** How a server program of this machine is run. */
export interface ServerCommand {
  /** A name on PATH, or a path. */
  readonly binary: string;
  readonly args: readonly string[];
  /** A line that it prints once clients may connect. */
  readonly readyWhen: RegExp;
}

/** A server for this machine's own use: it listens on loopback only. */
export interface LocalServerOptions {
  readonly port: number;
  /** Where it keeps its files; must exist. */
  readonly dir: string;
}
