import { ServingError } from '@tessera/domain';

/** Where a server listens; port 0 is any free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Why an address cannot be listened on, by the option to change; any other error is returned as it is. */
export function explainListenError(error: unknown, { host, port }: Address): unknown {
  const explanations: Partial<Record<string, string>> = {
    EADDRINUSE: `--port ${port} is taken by another process on ${host}; choose another one, or 0 for any free one.`,
    EACCES: `--port ${port} may not be opened by this user; choose one above 1023.`,
    EADDRNOTAVAIL: `--host ${host} is no address of this machine.`,
    ENOTFOUND: `--host ${host} is no address and no known name.`,
  };
  const message = explanations[String((error as NodeJS.ErrnoException).code)];
  return message === undefined ? error : new ServingError('invalid_option', message, {}, { cause: error });
}
