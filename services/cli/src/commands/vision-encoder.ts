import { startVisionEncoder } from '@tessera/vision-encoder';
import { serviceCommand } from '../process/service-command.js';
import { withStatus } from '../process/with-status.js';

/** `tessera vision-encoder`: a vision encoder as a process. */
export function visionEncoderCommand() {
  return serviceCommand('vision-encoder', 'Encode pictures for the gateways and decoders of a cell.', {
    graceMs: () => 10_000,
    start: (config, parts) =>
      withStatus(config.statusListen, parts, (metrics) => startVisionEncoder(config, { ...parts, metrics })),
  });
}
