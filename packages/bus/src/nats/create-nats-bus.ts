import { ServingError } from '@tessera/domain';
import { connect, type NatsConnection } from 'nats';
import type { Bus } from '../bus.js';
import { numPeriodsPerTtl } from '../members/roster.js';
import { NatsBus } from './nats-bus.js';
import { assertName } from './subjects.js';
import { createTlsOptions, type NatsTls } from './tls-options.js';

export interface NatsBusOptions {
  /** Addresses such as `nats://127.0.0.1:4222`, of one server or of one cluster of them. */
  readonly servers: readonly string[];
  /** Processes of other cells are not seen: letters, digits, `-` and `_`. */
  readonly cell: string;
  readonly tls?: NatsTls;
  /** Silence after which a member is gone. Default 6 000; equal in all processes of a cell. */
  readonly memberTtlMs?: number;
  /** Hears of what the bus lives with but somebody may want to cure. */
  readonly onWarning?: (message: string, cause: unknown) => void;
}

/**
 * A bus over NATS, whose servers need JetStream for `campaign`. Rejects with `not_ready` when none of them answers;
 * one that is lost later is looked for until the bus is closed.
 */
export async function createNatsBus(options: NatsBusOptions): Promise<Bus> {
  const { servers, cell, tls, memberTtlMs = 6_000, onWarning = () => {} } = options;
  assertName('cell', cell);
  const periodMs = memberTtlMs / numPeriodsPerTtl;
  const nc = await connectTo(servers, periodMs, tls);
  nc.closed().then((error) => error && onWarning('the connection to NATS was closed for good', error));
  return new NatsBus({ nc, cell, periodMs, onWarning });
}

async function connectTo(servers: readonly string[], periodMs: number, tls?: NatsTls): Promise<NatsConnection> {
  try {
    return await connect({
      servers: [...servers],
      tls: tls && createTlsOptions(tls, servers),
      timeout: 2_000,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      reconnectJitterTLS: 250,
      // A server that leaves this many unanswered is taken to be gone, and looked for again.
      pingInterval: periodMs,
      maxPingOut: numPeriodsPerTtl,
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ServingError('not_ready', `NATS at ${servers.join(', ')} does not answer: ${why}.`, {}, { cause });
  }
}
