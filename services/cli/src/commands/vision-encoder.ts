import { startVisionEncoder } from '@tessera/vision-encoder';
import { joinCell } from '../process/join-cell.js';
import { serviceCommand } from '../process/service-command.js';
import { withStatus } from '../process/with-status.js';

/** `tessera vision-encoder`: a vision encoder as a process. */
export function visionEncoderCommand() {
  return serviceCommand('vision-encoder', 'Encode pictures for the gateways and decoders of a cell.', {
    graceMs: () => 10_000,
    start: (config, parts) =>
      withStatus(config.statusListen, parts, async (metrics) =>
        startVisionEncoder(config, { ...parts, metrics, bus: await joinCell(config, parts) }),
      ),
  });
}
