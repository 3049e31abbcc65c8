export {
  createScheduler,
  type RunningScheduler,
  type SchedulerDeps,
  type SchedulerSnapshot,
} from './create-scheduler.js';
export type { Placement, PlacementReason } from './placement.js';
export { defaultSchedulerConfig, type SchedulerConfig } from './scheduler-config.js';
