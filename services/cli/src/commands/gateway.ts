import { resolve } from 'node:path';
import { startGateway } from '@tessera/gateway';
import { loadProcessor } from '@tessera/onnx-graph';
import { serviceCommand } from '../process/service-command.js';

/** As long as a timer can be set for: 24 days. */
const longestMs = 2 ** 31 - 1;

/** `tessera gateway`: the HTTP API as a process. */
export function gatewayCommand() {
  return serviceCommand('gateway', 'Serve the OpenAI-compatible API over the cell that the bus or --scheduler names.', {
    graceMs: (config) => config.graceMs + 5_000,
    start: async (config, { bus, logger, context }) => {
      const processor = await loadProcessor(resolve(config.model));
      const gateway = await startGateway(config, { bus, logger, context, processor });
      logger.info({ url: gateway.url }, 'gateway listens');
      await gateway.whenReady(longestMs, context.signal);
      logger.info({ url: gateway.url }, 'gateway ready');
    },
  });
}
