import type { CellInspector, Scheduler } from '@tessera/domain';
import { SchedulerService } from '@tessera/proto/scheduler/v1';
import { cellDescriptionToProto } from '../convert/cell-description.js';
import { cellInspectionToProto } from '../convert/cell-inspection.js';
import { present } from '../convert/invalid-field.js';
import { requestFromProto } from '../convert/request.js';
import { schedulerEventToProto } from '../convert/scheduler-event.js';
import type { RpcServer } from '../grpc/rpc-server.js';

/** Puts a scheduler behind `server`. A caller that cancels or goes away aborts the signal of its `generate`. */
export function serveScheduler(server: RpcServer, scheduler: Scheduler & CellInspector): void {
  server.addService(SchedulerService, {
    async *generate({ request }, signal) {
      const events = scheduler.generate(requestFromProto(present(request, 'request')), signal);
      for await (const event of events) yield schedulerEventToProto(event);
    },
    describe: async () => cellDescriptionToProto(await scheduler.describe()),
    inspect: async () => cellInspectionToProto(await scheduler.inspect()),
  });
}
