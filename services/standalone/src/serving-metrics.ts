import type { Metrics } from '@tessera/runtime';
import type { RunningScheduler } from '@tessera/scheduler';
import type { RunningVisionEncoder } from '@tessera/vision-encoder';

/** Gauges of what the scheduler and the encoder hold, read at each scrape. */
export function registerServingMetrics(
  metrics: Metrics,
  scheduler: RunningScheduler,
  visionEncoder: RunningVisionEncoder,
): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge({ name, help, collect: (g) => g.set(read()) });
  };
  gauge('tessera_sequences_preparing', 'Sequences that wait for embeddings.', () => scheduler.snapshot.numPreparing);
  gauge('tessera_sequences_waiting', 'Sequences that wait for room.', () => scheduler.snapshot.numWaiting);
  gauge('tessera_sequences_running', 'Sequences in a lane.', () => scheduler.snapshot.numRunning);
  gauge('tessera_lanes_free', 'Free lanes.', () => scheduler.snapshot.numFreeLanes);
  gauge('tessera_kv_pages', 'Pages of the KV pool.', () => scheduler.snapshot.numPages);
  gauge('tessera_kv_pages_free', 'Free pages of the KV pool.', () => scheduler.snapshot.numFreePages);
  gauge('tessera_embeddings_staged', 'Embeddings on the decoder.', () => scheduler.snapshot.numStagedEmbeddings);
  gauge('tessera_encodes_running', 'Visuals being encoded.', () => visionEncoder.snapshot.numEncoding);
  gauge('tessera_embedding_cache_bytes', 'Bytes of cached embeddings.', () => visionEncoder.snapshot.numCachedBytes);
}
