import type { CellModel, VisionEncoder } from '@tessera/domain';
import { createLogger, createMetrics } from '@tessera/runtime';
import { createCell } from '../cell/create-cell.js';
import type { GatewayOptions } from '../config.js';
import { createGateway, type Gateway } from '../create-gateway.js';
import type { GatewayDeps } from '../gateway-deps.js';
import { RecordingEncoder } from './recording-encoder.js';
import { type Script, ScriptedScheduler, tinyModel } from './scripted-scheduler.js';
import { tinyProcessor } from './tiny-processor.js';

/** What `JSON.parse` gives. */
export type JsonValue = ReturnType<typeof JSON.parse>;

/** A listening gateway over a scripted scheduler and an encoder that records its jobs. */
export interface TinyGateway {
  readonly url: string;
  readonly gateway: Gateway;
  readonly scheduler: ScriptedScheduler;
  readonly encoder: RecordingEncoder;
  /** What it logged, one JSON text an entry. */
  readonly lines: readonly string[];
  post(path: string, body: unknown, signal?: AbortSignal): Promise<Response>;
  /** The body of an answer, or of an error. */
  ask(body: object, path?: string): Promise<{ status: number; body: JsonValue }>;
}

export interface TinyGatewayOptions {
  readonly script: Script;
  readonly options?: GatewayOptions;
  readonly encode?: VisionEncoder['encode'];
  readonly deps?: Partial<GatewayDeps>;
  /** What the cell says of its model, where it is not the usual. */
  readonly model?: Partial<CellModel>;
}

/** Its cell is known and ready at once. Requests are not resumed unless `options` say so. */
export async function startTinyGateway(given: TinyGatewayOptions): Promise<TinyGateway> {
  const encoder = new RecordingEncoder(given.encode);
  const lines: string[] = [];
  const scheduler = new ScriptedScheduler(given.script, encoder);
  scheduler.description = { ...scheduler.description, model: { ...tinyModel, ...given.model } };
  const logger = createLogger({ name: 'gateway', stream: { write: (line) => lines.push(line) }, isPretty: false });
  const cell = createCell({ logger, connect: () => scheduler, pollMs: 10 });
  const deps: GatewayDeps = {
    processor: tinyProcessor,
    model: { id: 'tiny', createdUnixSeconds: 1_700_000_000 },
    cell,
    encoders: () => encoder,
    logger,
    metrics: createMetrics(),
    ...given.deps,
  };
  const gateway = createGateway(deps, { graceMs: 50, resumeMs: 0, ...given.options });
  cell.follow(['scheduler-0']);
  const url = await gateway.listen({ host: '127.0.0.1', port: 0 });
  const post = (path: string, body: unknown, signal?: AbortSignal) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' || body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body),
      ...(signal && { signal }),
    });
  return {
    url,
    gateway,
    scheduler,
    encoder,
    lines,
    post,
    ask: async (body, path = '/v1/chat/completions') => {
      const response = await post(path, body);
      return { status: response.status, body: await response.json() };
    },
  };
}

/** A conversation of one question. */
export function question(content: unknown, fields: object = {}): object {
  return { messages: [{ role: 'user', content }], ...fields };
}

/** A picture part of these bytes. */
export function picture(bytes: Uint8Array, fields: object = {}): object {
  return {
    type: 'image_url',
    image_url: { url: `data:image/png;base64,${Buffer.from(bytes).toString('base64')}` },
    ...fields,
  };
}
