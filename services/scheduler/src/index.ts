export { Leadership, type LeadershipOptions } from './cell/leadership.js';
export {
  type PlanningConfig,
  planningConfigSchema,
  type SchedulerServerConfig,
  schedulerConfigOf,
  schedulerServerConfigSchema,
} from './config.js';
export {
  createScheduler,
  type RunningScheduler,
  type SchedulerDeps,
  type SchedulerSnapshot,
} from './create-scheduler.js';
export type { Placement, PlacementReason } from './placement.js';
export { defaultSchedulerConfig, type SchedulerConfig } from './scheduler-config.js';
export { type SchedulerProcessDeps, type StartedScheduler, startScheduler } from './start-scheduler.js';
