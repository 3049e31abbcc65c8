import type { CellInspector, Scheduler } from '@tessera/domain';
import { SchedulerService } from '@tessera/proto/scheduler/v1';
import { cellDescriptionToProto } from '../convert/cell-description.js';
import { cellInspectionToProto } from '../convert/cell-inspection.js';
import type { RpcServer } from '../grpc/rpc-server.js';
import { serveRequests } from './served-requests.js';

/** Puts a scheduler behind `server`. A caller that cancels or goes away aborts the signal of its `generate`. */
export function serveScheduler(server: RpcServer, scheduler: Scheduler & CellInspector): void {
  const onError = (error: unknown): void => server.report(error, `${SchedulerService.typeName}/Generate`);
  server.addService(SchedulerService, {
    generate: (stream) => serveRequests(stream, scheduler, onError),
    describe: async () => cellDescriptionToProto(await scheduler.describe()),
    inspect: async () => cellInspectionToProto(await scheduler.inspect()),
  });
}
