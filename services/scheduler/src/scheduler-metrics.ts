import type { StepResult } from '@tessera/domain';
import type { Metrics } from '@tessera/runtime';
import type { PlacementReason } from './placement.js';
import type { SchedulerSnapshot } from './running-scheduler.js';

const stepSeconds = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

const gauges = {
  tessera_sequences_waiting: ['Requests that wait for embeddings or room.', 'numWaiting'],
  tessera_sequences_running: ['Sequences that hold a lane.', 'numRunning'],
  tessera_lanes_free: ['Free lanes.', 'numFreeLanes'],
  tessera_kv_pages: ['Pages of the KV pools.', 'numPages'],
  tessera_kv_pages_owned: ['Pages that sequences hold.', 'numOwnedPages'],
  tessera_kv_pages_free: ['Pages that hold nothing.', 'numFreePages'],
  tessera_kv_pages_cached: ['Pages that nobody holds and that are kept for their content.', 'numCachedPages'],
  tessera_embeddings_wanted: ['Embeddings that are being made or wait for an encoder.', 'numWantedEmbeddings'],
  tessera_embeddings_staged: ['Embeddings kept ready on decoders.', 'numStagedEmbeddings'],
  tessera_rank_groups: ['Rank groups that serve.', 'numGroups'],
  tessera_encoders: ['Encoders that serve.', 'numEncoders'],
} as const satisfies Record<string, readonly [string, keyof SchedulerSnapshot]>;

/** What a scheduler counts. */
export interface SchedulerMetrics {
  recordPlacement(reason: PlacementReason): void;
  recordStep(groupId: string, result: StepResult): void;
}

/** Registers a scheduler's metrics; `snapshot` is asked at each scrape, and tells nothing while it does not lead. */
export function createSchedulerMetrics(
  metrics: Metrics,
  snapshot: () => SchedulerSnapshot | undefined,
): SchedulerMetrics {
  for (const [name, [help, key]] of Object.entries(gauges)) {
    metrics.gauge({ name, help, collect: (gauge) => gauge.set(snapshot()?.[key] ?? 0) });
  }
  const placements = metrics.counter({
    name: 'tessera_placements_total',
    help: 'Sequences that began to run on a rank group, by why there.',
    labelNames: ['reason'],
  });
  const steps = metrics.histogram({
    name: 'tessera_step_seconds',
    help: 'Time of a step on the ranks of a group.',
    labelNames: ['group'],
    buckets: stepSeconds,
  });
  return {
    recordPlacement: (reason) => placements.inc({ reason }),
    recordStep: (group, { spent }) => steps.observe({ group }, spent.totalMs / 1000),
  };
}
