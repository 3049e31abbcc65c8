import { afterEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../create-metrics.js';
import { createHealth } from '../health.js';
import { type StatusServer, serveStatus } from './serve-status.js';

let server: StatusServer | undefined;
afterEach(() => server?.close());

describe('serveStatus', () => {
  it('says whether the process lives, and whether it is ready', async () => {
    const health = createHealth(['engine']);
    server = await serveStatus('127.0.0.1:0', { report: () => health.report(), metrics: createMetrics() });
    const ask = async () => {
      const responses = await Promise.all(['live', 'ready'].map((what) => fetch(`${server?.url}/health/${what}`)));
      return responses.map(({ status }) => status);
    };
    expect(await ask()).toEqual([200, 503]);
    health.set('engine', 'ready');
    expect(await ask()).toEqual([200, 200]);
    health.set('engine', 'failed', 'out of memory');
    expect(await ask()).toEqual([503, 503]);
    const response = await fetch(`${server.url}/health/ready`);
    expect(await response.json()).toEqual({
      status: 'unavailable',
      components: { engine: { state: 'failed', detail: 'out of memory' } },
    });
  });

  it('renders the metrics, and knows nothing else', async () => {
    const metrics = createMetrics();
    metrics.counter({ name: 'tessera_steps_total', help: 'Steps.' }).inc(3);
    server = await serveStatus('127.0.0.1:0', { report: createHealth([]).report, metrics });
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('tessera_steps_total 3');
    expect((await fetch(server.url)).status).toBe(404);
  });

  it('goes on when it cannot tell something', async () => {
    const metrics = createMetrics();
    const collect = () => {
      throw new Error('no such pool');
    };
    metrics.gauge({ name: 'tessera_pages', help: 'Pages.', collect });
    server = await serveStatus('127.0.0.1:0', { report: createHealth([]).report, metrics });
    const response = await fetch(`${server.url}/metrics`);
    expect([response.status, await response.text()]).toEqual([500, 'Error: no such pool\n']);
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
  });

  it('refuses an address that cannot be listened on', async () => {
    const source = { report: createHealth([]).report, metrics: createMetrics() };
    server = await serveStatus('127.0.0.1:0', source);
    for (const listen of ['9100', new URL(server.url).host, 'no-such-host.invalid:0']) {
      await expect(serveStatus(listen, source)).rejects.toMatchObject({
        reason: 'invalid_option',
        message: expect.stringContaining(`--status-listen ${listen}: `),
      });
    }
  });
});
