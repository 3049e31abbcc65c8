import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ServingError } from '@tessera/domain';
import type { Metrics } from '../create-metrics.js';
import type { HealthReport } from '../health.js';

/** What a process tells of itself over HTTP. */
export interface StatusSource {
  report(): HealthReport;
  readonly metrics: Metrics;
}

export interface StatusServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves `/health/live` and `/health/ready`, 200 or 503 with the state of every component, and `/metrics`, at `listen`,
 * host:port; 500 with the error where one of these throws. ServingError `invalid_option` for an address that cannot be listened on.
 */
export async function serveStatus(listen: string, source: StatusSource): Promise<StatusServer> {
  const server = createServer(answerFrom(source));
  const { hostname, port } = addressOf(listen);
  try {
    server.listen(Number(port), hostname);
    await once(server, 'listening');
  } catch (cause) {
    throw refused(listen, (cause as Error).message, cause);
  }
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${hostname}:${taken}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function addressOf(listen: string): { readonly hostname: string; readonly port: string } {
  const match = /^(?<hostname>.+):(?<port>\d+)$/.exec(listen);
  if (match === null) throw refused(listen, 'it must have the form host:port');
  return match.groups as { hostname: string; port: string };
}

function refused(listen: string, why: string, cause?: unknown): ServingError {
  return new ServingError('invalid_option', `--status-listen ${listen}: ${why}.`, { listen }, { cause });
}

function answerFrom(source: StatusSource): RequestListener {
  return async (request, response) => {
    try {
      await answer(source, request.url, response);
    } catch (error) {
      response.writeHead(500, { 'content-type': 'text/plain' }).end(`${error}\n`);
    }
  };
}

async function answer({ report, metrics }: StatusSource, path: string | undefined, response: ServerResponse) {
  const tell = (isGood: boolean, { components }: HealthReport) => {
    response.writeHead(isGood ? 200 : 503, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ status: isGood ? 'ok' : 'unavailable', components }));
  };
  const health = report();
  if (path === '/health/live') tell(health.isLive, health);
  else if (path === '/health/ready') tell(health.isReady, health);
  else if (path === '/metrics') {
    const text = await metrics.render();
    response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
  } else response.writeHead(404).end();
}
