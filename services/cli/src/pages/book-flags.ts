import { ServingError } from '@tessera/domain';
import type { RpcTls } from '@tessera/rpc';
import type { Command } from 'commander';

/** Where the books on pages are kept. */
export interface BookFlags {
  readonly scheduler?: string;
  readonly redis?: string;
  readonly cell: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** Where the values of the flags come from, for the help of a command. */
export const whereBooksAre = `
\`tessera cluster\` prints both when it is ready, as options beside the scheduler and redis. Of several schedulers the one
that leads answers; one that was started again has another address, which its line "scheduler ready" in the log tells.`;

/** Adds the flags that name the books. */
export function addBookFlags(command: Command): Command {
  return command
    .option('--scheduler <address>', 'address of the scheduler that leads, host:port')
    .option('--redis <url>', 'Redis server that keeps the page directory')
    .option('--cell <name>', 'cell whose directory is read', 'default')
    .option('--tls-ca <file>', 'certificates that the scheduler is checked against')
    .option('--tls-cert <file>', 'certificate to show to the scheduler; no TLS without')
    .option('--tls-key <file>', 'key of the certificate');
}

/** How to talk to the scheduler; undefined without TLS. ServingError `invalid_option` when only some of it is given. */
export function tlsOf({ tlsCa, tlsCert, tlsKey }: BookFlags): RpcTls | undefined {
  if (tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCa !== undefined && tlsCert !== undefined && tlsKey !== undefined) {
    return { caFile: tlsCa, certFile: tlsCert, keyFile: tlsKey };
  }
  throw new ServingError('invalid_option', '--tls-ca, --tls-cert and --tls-key go together.');
}
