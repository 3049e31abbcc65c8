import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createMemoryBus, MemoryHub } from '@tessera/bus';
import { decoderConfigSchema, startDecoder } from '@tessera/decoder';
import { gatewayServerConfigSchema, startGateway } from '@tessera/gateway';
import { MemoryPageDirectory } from '@tessera/kv';
import { type CompileProgress, loadProcessor } from '@tessera/onnx-graph';
import { type ConfigSchema, createMetrics, type Logger, loadConfig, type ProcessContext } from '@tessera/runtime';
import { schedulerServerConfigSchema, startScheduler } from '@tessera/scheduler';
import { startVisionEncoder, visionEncoderConfigSchema } from '@tessera/vision-encoder';
import type { z } from 'zod';
import { assertListenable } from './assert-listenable.js';
import type { StandaloneConfig } from './config.js';
import { explainListenError } from './explain-listen-error.js';

export interface StandaloneDeps {
  readonly logger: Logger;
  readonly context: ProcessContext;
  readonly onCompileProgress?: (progress: CompileProgress) => void;
}

export interface StandaloneServer {
  readonly url: string;
  readonly modelId: string;
  /** Resolves with the reason when nothing can be answered any more, or no picture: it should be started again. */
  readonly lost: Promise<Error>;
}

/** Time that services which are up may take to find one another. */
const meetingMs = 30_000;

/**
 * Brings up gateway, scheduler, encoder and decoder in one process; what it starts is closed through `context`, whose
 * signal ends a start before anything listens. They talk over unix sockets in a folder of their own as they do over a
 * network, and find one another on a bus in memory. ServingError for a model, an engine or options that cannot be
 * served.
 */
export async function startStandalone(config: StandaloneConfig, deps: StandaloneDeps): Promise<StandaloneServer> {
  await assertListenable(config);
  const processor = await loadProcessor(resolve(config.model));
  const { context } = deps;
  const sockets = await mkdtemp(join(tmpdir(), 'tessera-'));
  context.onShutdown('sockets', () => rm(sockets, { recursive: true, force: true }));
  const bus = createMemoryBus(new MemoryHub());
  context.onShutdown('bus', () => bus.close());

  const shared = { ...deps, bus, metrics: createMetrics() };
  const listen = (name: string) => ({ listen: `unix:${join(sockets, name)}` });
  const decoder = await startDecoder(partOf(decoderConfigSchema, config, listen('decoder')), shared);
  const encoder = await startVisionEncoder(partOf(visionEncoderConfigSchema, config, listen('encoder')), shared);
  const scheduler = await startScheduler(partOf(schedulerServerConfigSchema, config, listen('scheduler')), {
    ...shared,
    directory: new MemoryPageDirectory(),
  });
  context.signal.throwIfAborted();
  const gateway = await startGateway(partOf(gatewayServerConfigSchema, config), { ...shared, processor }).catch(
    (error: unknown) => {
      throw explainListenError(error, config);
    },
  );
  await gateway.whenReady(meetingMs, context.signal);
  return {
    url: gateway.url,
    modelId: gateway.modelId,
    lost: Promise.race([decoder.lost, encoder.lost, scheduler.lost]),
  };
}

/** The options of one service among those of the process, and what only this process decides. */
function partOf<Schema extends ConfigSchema>(
  schema: Schema,
  config: StandaloneConfig,
  own: Readonly<Record<string, unknown>> = {},
): Readonly<z.output<Schema>> {
  const given = Object.entries(config).filter(([name, value]) => name in schema.shape && value !== undefined);
  return loadConfig(schema, { env: {}, overrides: { ...Object.fromEntries(given), ...own } });
}
