import { createMetrics, type Health, type Metrics, serveStatus } from '@tessera/runtime';
import type { ProcessParts } from './run-process.js';

/** A service that was started, and how it is. */
export interface Started {
  readonly health: Health;
  /** Resolves when it can do nothing any more. */
  readonly lost?: Promise<Error>;
}

/**
 * Starts a service that has no HTTP server of its own, with one beside it that tells of it from the beginning: it is not
 * ready while it starts.
 */
export async function withStatus(
  listen: string,
  { context, logger, lose }: ProcessParts,
  start: (metrics: Metrics) => Promise<Started>,
): Promise<void> {
  const metrics = createMetrics();
  let started: Started | undefined;
  const report = () => started?.health.report() ?? starting;
  const { url, close } = await serveStatus(listen, { report, metrics });
  context.onShutdown('status', close);
  logger.info({ url }, 'status served');
  started = await start(metrics);
  void started.lost?.then(lose);
}

const starting = { isLive: true, isReady: false, components: { service: { state: 'starting' } } } as const;
