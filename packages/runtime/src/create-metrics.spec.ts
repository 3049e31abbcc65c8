import { describe, expect, it } from 'vitest';
import { createMetrics } from './create-metrics.js';

describe('createMetrics', () => {
  it('reports the process and its event loop without being told', async () => {
    const text = await createMetrics().render();
    for (const name of [
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_seconds',
      'nodejs_eventloop_lag_p99_seconds',
    ]) {
      expect(text).toContain(`\n${name} `);
    }
  });

  it('counts by label', async () => {
    const metrics = createMetrics();
    const requests = metrics.counter({ name: 'tessera_requests_total', help: 'Requests.', labelNames: ['status'] });
    requests.inc({ status: '200' });
    requests.inc({ status: '200' });
    expect(await metrics.render()).toContain('tessera_requests_total{status="200"} 2');
  });

  it('asks a gauge for its value at each scrape', async () => {
    const metrics = createMetrics();
    let numFree = 3;
    metrics.gauge({ name: 'tessera_free_pages', help: 'Pages.', collect: (gauge) => gauge.set(numFree) });
    expect(await metrics.render()).toContain('tessera_free_pages 3');
    numFree = 2;
    expect(await metrics.render()).toContain('tessera_free_pages 2');
  });

  it('sorts observations into the given buckets', async () => {
    const metrics = createMetrics();
    metrics.histogram({ name: 'tessera_step_seconds', help: 'Steps.', buckets: [0.1, 1] }).observe(0.5);
    const text = await metrics.render();
    expect(text).toContain('tessera_step_seconds_bucket{le="0.1"} 0');
    expect(text).toContain('tessera_step_seconds_bucket{le="1"} 1');
  });

  it('keeps registries of two processes apart', async () => {
    createMetrics().counter({ name: 'tessera_requests_total', help: 'Requests.' });
    expect(await createMetrics().render()).not.toContain('tessera_requests_total');
  });
});
