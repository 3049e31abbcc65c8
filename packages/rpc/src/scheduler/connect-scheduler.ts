import type { CellInspector, Scheduler } from '@tessera/domain';
import { SchedulerService } from '@tessera/proto/scheduler/v1';
import { cellDescriptionFromProto } from '../convert/cell-description.js';
import { cellInspectionFromProto } from '../convert/cell-inspection.js';
import { requestToProto } from '../convert/request.js';
import { schedulerEventFromProto } from '../convert/scheduler-event.js';
import { RpcClient } from '../grpc/rpc-client.js';
import type { RpcTls } from '../grpc/rpc-tls.js';

const describeDeadlineMs = 5_000;
/** Asks every rank for its seals. */
const inspectDeadlineMs = 30_000;

/** A scheduler somewhere else. */
export type RemoteScheduler = Scheduler & CellInspector & { close(): void };

/**
 * Calls the scheduler at `address`. One that is not there, does not answer or is lost in the middle of a stream throws
 * `not_ready`, code UNAVAILABLE: the request may be submitted again, with the tokens that came.
 */
export function connectScheduler(
  address: string,
  { tls }: { readonly tls?: RpcTls | undefined } = {},
): RemoteScheduler {
  const client = new RpcClient({ address, lostReason: 'not_ready' }, tls);
  const { generate, describe, inspect } = SchedulerService.method;
  return {
    async *generate(request, signal) {
      const responses = client.serverStream(generate, { request: requestToProto(request) }, { signal });
      for await (const response of responses) yield schedulerEventFromProto(response);
    },
    describe: async () =>
      cellDescriptionFromProto(await client.unary(describe, {}, { deadlineMs: describeDeadlineMs })),
    inspect: async () => cellInspectionFromProto(await client.unary(inspect, {}, { deadlineMs: inspectDeadlineMs })),
    close: () => client.close(),
  };
}
