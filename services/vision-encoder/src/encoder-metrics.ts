import type { Metrics } from '@tessera/runtime';
import type { EncoderObserver, VisionEncoderSnapshot } from './create-vision-encoder.js';

const secondsBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60];

/** Metrics of one encoder. */
export interface EncoderMetrics extends EncoderObserver {
  /** Registers what is read from the encoder at each scrape. */
  watch(encoder: { readonly snapshot: VisionEncoderSnapshot }): void;
}

export function createEncoderMetrics(metrics: Metrics): EncoderMetrics {
  const seconds = metrics.histogram({
    name: 'tessera_encode_seconds',
    help: 'Time of one call of the vision tower.',
    buckets: secondsBuckets,
  });
  const visuals = metrics.counter({ name: 'tessera_encoded_visuals_total', help: 'Pictures encoded.' });
  const patches = metrics.counter({ name: 'tessera_encoded_patches_total', help: 'Patches encoded.' });
  const fetches = metrics.counter({
    name: 'tessera_embedding_fetches_total',
    help: 'Embeddings that were asked for, by whether they were held.',
    labelNames: ['result'],
  });
  return {
    encoded({ numVisuals, numPatches, durationMs }) {
      seconds.observe(durationMs / 1000);
      visuals.inc(numVisuals);
      patches.inc(numPatches);
    },
    fetched(isHit) {
      fetches.inc({ result: isHit ? 'hit' : 'miss' });
    },
    watch(encoder) {
      const gauge = (name: string, help: string, read: (snapshot: VisionEncoderSnapshot) => number): void => {
        metrics.gauge({ name, help, collect: (g) => g.set(read(encoder.snapshot)) });
      };
      gauge('tessera_encodes_running', 'Pictures that wait, are decoded or encoded.', (now) => now.numEncoding);
      gauge('tessera_encode_patches_pending', 'Patches of those pictures.', (now) => now.numPendingPatches);
      gauge('tessera_encode_queue_jobs', 'Pictures that wait to be decoded.', (now) => now.numQueuedJobs);
      gauge('tessera_encode_queue_bytes', 'Bytes of those pictures as sent.', (now) => now.numQueuedBytes);
      gauge('tessera_embedding_cache_bytes', 'Bytes of cached embeddings.', (now) => now.numCachedBytes);
      gauge('tessera_embedding_cache_entries', 'Cached embeddings.', (now) => now.numCachedEmbeddings);
    },
  };
}
