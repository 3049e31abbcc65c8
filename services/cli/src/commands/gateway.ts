import { resolve } from 'node:path';
import { type StartedGateway, startGateway } from '@tessera/gateway';
import { loadProcessor } from '@tessera/onnx-graph';
import { assertListenable } from '@tessera/standalone';
import { joinCell } from '../process/join-cell.js';
import type { ProcessParts } from '../process/run-process.js';
import { serviceCommand } from '../process/service-command.js';

/** Time after which it says what it still waits for. */
const patienceMs = 10_000;

/** `tessera gateway`: the HTTP API as a process. */
export function gatewayCommand() {
  return serviceCommand('gateway', 'Serve the OpenAI-compatible API over the cell that the bus or --scheduler names.', {
    graceMs: (config) => config.graceMs + 5_000,
    start: async (config, parts) => {
      const { logger, context } = parts;
      await assertListenable(config);
      const processor = await loadProcessor(resolve(config.model));
      const bus = config.scheduler === undefined ? await joinCell(config, parts) : undefined;
      const gateway = await startGateway(config, { bus, logger, context, processor });
      logger.info({ url: gateway.url }, 'gateway listens');
      await untilReady(gateway, parts);
      logger.info({ url: gateway.url }, 'gateway ready');
    },
  });
}

/** Waits for the cell, until the process is asked to end. */
async function untilReady(gateway: StartedGateway, { logger, context: { signal } }: ProcessParts): Promise<void> {
  for (;;) {
    try {
      return await gateway.whenReady(patienceMs, signal);
    } catch (error) {
      signal.throwIfAborted();
      logger.warn({ err: error }, 'requests are not served yet');
    }
  }
}
