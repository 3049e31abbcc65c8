export { Leadership, type LeadershipOptions } from './cell/leadership.js';
export {
  type PlanningConfig,
  planningConfigSchema,
  type SchedulerServerConfig,
  schedulerConfigOf,
  schedulerServerConfigSchema,
} from './config.js';
export { createScheduler } from './create-scheduler.js';
export type { Placement, PlacementReason } from './placement.js';
export type { RunningScheduler, SchedulerDeps, SchedulerSnapshot } from './running-scheduler.js';
export { defaultSchedulerConfig, type SchedulerConfig } from './scheduler-config.js';
export { type SchedulerProcessDeps, type StartedScheduler, startScheduler } from './start-scheduler.js';
