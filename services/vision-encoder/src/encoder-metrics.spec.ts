import { createMetrics } from '@tessera/runtime';
import { describe, expect, test } from 'vitest';
import { createEncoderMetrics } from './encoder-metrics.js';

describe('createEncoderMetrics', () => {
  test('counts batches and fetches, and reads the encoder at each scrape', async () => {
    const metrics = createMetrics();
    const encoderMetrics = createEncoderMetrics(metrics);
    encoderMetrics.watch({
      snapshot: {
        numEncoding: 1,
        numPendingPatches: 2,
        numQueuedJobs: 3,
        numQueuedBytes: 4,
        numCachedEmbeddings: 5,
        numCachedBytes: 6,
      },
    });
    encoderMetrics.encoded({ numVisuals: 2, numPatches: 32, durationMs: 300 });
    encoderMetrics.encoded({ numVisuals: 1, numPatches: 16, durationMs: 10 });
    for (const isHit of [true, false, true]) encoderMetrics.fetched(isHit);
    const text = await metrics.render();
    for (const line of [
      'tessera_encode_seconds_bucket{le="0.25"} 1',
      'tessera_encode_seconds_bucket{le="0.5"} 2',
      'tessera_encoded_visuals_total 3',
      'tessera_encoded_patches_total 48',
      'tessera_embedding_fetches_total{result="hit"} 2',
      'tessera_embedding_fetches_total{result="miss"} 1',
      'tessera_encodes_running 1',
      'tessera_encode_patches_pending 2',
      'tessera_encode_queue_jobs 3',
      'tessera_encode_queue_bytes 4',
      'tessera_embedding_cache_entries 5',
      'tessera_embedding_cache_bytes 6',
    ]) {
      expect(text).toContain(`\n${line}\n`);
    }
  });
});
