import type { CellInspector, Scheduler } from '@tessera/domain';
import { SchedulerService } from '@tessera/proto/scheduler/v1';
import { cellDescriptionFromProto } from '../convert/cell-description.js';
import { cellInspectionFromProto } from '../convert/cell-inspection.js';
import type { Peer } from '../grpc/call-error.js';
import { RpcClient } from '../grpc/rpc-client.js';
import type { RpcTls } from '../grpc/rpc-tls.js';
import { RequestStream } from './request-stream.js';
import { sendableRequest } from './sendable-request.js';

const describeDeadlineMs = 5_000;
/** Asks every rank for its seals. */
const inspectDeadlineMs = 30_000;

/** A scheduler somewhere else. */
export type RemoteScheduler = Scheduler & CellInspector & { close(): void };

/**
 * Calls the scheduler at `address`; requests that run at the same time share a stream. One that is not there, does not
 * answer or is lost while they run throws `not_ready`, code UNAVAILABLE: a request may be submitted again, with the
 * tokens that came.
 */
export function connectScheduler(
  address: string,
  { tls }: { readonly tls?: RpcTls | undefined } = {},
): RemoteScheduler {
  const peer: Peer = { address, lostReason: 'not_ready' };
  const client = new RpcClient(peer, tls);
  const { describe, inspect } = SchedulerService.method;
  let requests: RequestStream | undefined;
  return {
    async *generate(request, signal) {
      const message = sendableRequest(request);
      if (!requests || requests.hasEnded) requests = new RequestStream(client, peer);
      yield* requests.run(message, signal);
    },
    describe: async () =>
      cellDescriptionFromProto(await client.unary(describe, {}, { deadlineMs: describeDeadlineMs })),
    inspect: async () => cellInspectionFromProto(await client.unary(inspect, {}, { deadlineMs: inspectDeadlineMs })),
    close: () => client.close(),
  };
}
