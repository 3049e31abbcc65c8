import { setTimeout } from 'node:timers/promises';
import { loadConfig } from '@tessera/runtime';
import type { FastifyInstance } from 'fastify';
import { buildApp } from './build-app.js';
import { createResumingScheduler } from './cell/resuming-scheduler.js';
import { longestTokenBytes } from './chat/prepare-prompt.js';
import { type GatewayConfig, type GatewayOptions, gatewayConfigSchema } from './config.js';
import { assertWritableDir } from './files/assert-writable-dir.js';
import { FileRegistry } from './files/file-registry.js';
import { createSpillingBlobStore } from './files/spilling-blob-store.js';
import type { GatewayContext } from './gateway-context.js';
import type { GatewayDeps } from './gateway-deps.js';
import { ActiveRequests } from './http/active-requests.js';
import { shuttingDown } from './http/shutting-down.js';
import { GenerationMetrics } from './metrics/generation-metrics.js';
import { createTextDesk } from './text/text-desk.js';

/** Time for aborted answers to say so to their clients before the sockets are closed. */
const farewellMs = 300;

/** The HTTP API over a cell. */
export interface Gateway {
  /** Requests being answered now. */
  readonly numActiveRequests: number;
  /** Starts accepting connections, whether or not the cell serves yet; the URL it listens on. Port 0 takes any free port. */
  listen(address: { readonly host: string; readonly port: number }): Promise<string>;
  /**
   * Answers new requests with `shutting_down` while running ones finish within `graceMs`, aborts the rest, stops
   * listening, drops all files and leaves the cell.
   */
  close(): Promise<void>;
}

/** Builds a gateway that does not listen yet; ServingError `invalid_option` for bad options. */
export function createGateway(deps: GatewayDeps, options: GatewayOptions = {}): Gateway {
  const config = loadConfig(gatewayConfigSchema, { env: {}, overrides: options });
  assertWritableDir(config.filesDir, '--files-dir');
  const context = createContext(deps, config);
  const { blobs, active, texts, cell } = context;
  let closing: Promise<void> | undefined;
  const app = buildApp(context, () => closing !== undefined);
  return {
    get numActiveRequests() {
      return active.size;
    },
    listen: (address) => app.listen(address),
    close: () => {
      closing ??= drain(app, context).finally(() => Promise.all([blobs.close(), texts.close(), cell.close()]));
      return closing;
    },
  };
}

/** What the routes share, from what the gateway was given. */
function createContext(deps: GatewayDeps, config: GatewayConfig): GatewayContext {
  const { cell, processor, logger } = deps;
  const blobs = createSpillingBlobStore({
    parentDir: config.filesDir,
    maxInMemoryBytes: config.maxInMemoryBytes,
    maxBytes: config.maxFilesBytes,
  });
  const generationMetrics = new GenerationMetrics(deps.metrics);
  const scheduler = createResumingScheduler(cell, {
    resumeMs: config.resumeMs,
    onInterrupted: ({ requestId, attempt }, cause) => {
      generationMetrics.recordResumed(cause.reason);
      logger.warn({ chatId: requestId, attempt, err: cause }, 'an interrupted request is submitted again');
    },
  });
  return {
    ...deps,
    config,
    blobs,
    scheduler,
    texts: createTextDesk(processor),
    files: new FileRegistry(blobs),
    active: new ActiveRequests((error) => logger.error({ err: error }, 'could not free what a request held')),
    generationMetrics,
    maxTokenBytes: longestTokenBytes(processor),
  };
}

async function drain(app: FastifyInstance, { active, config, logger }: GatewayContext): Promise<void> {
  if (active.size > 0) {
    const requests = active.size === 1 ? '1 request' : `${active.size} requests`;
    logger.info(`waiting for ${requests} to end, at most ${config.graceMs / 1000} s`);
  }
  await withinMs(config.graceMs, active.idle());
  active.abortAll(shuttingDown());
  await withinMs(farewellMs, active.idle());
  const closed = app.close();
  app.server.closeIdleConnections();
  await withinMs(farewellMs, closed);
  app.server.closeAllConnections();
  await closed;
}

/** Waits for `work`, but not longer than `limitMs`. */
async function withinMs(limitMs: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const timeout = setTimeout(limitMs, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([work, timeout]);
  timer.abort();
}
