import { startDecoder } from '@tessera/decoder';
import { joinCell } from '../process/join-cell.js';
import { serviceCommand } from '../process/service-command.js';
import { withStatus } from '../process/with-status.js';

/** `tessera decoder`: a rank of a group, or a whole group, as a process. */
export function decoderCommand() {
  return serviceCommand('decoder', 'Run one rank of a decoder group, or a whole group, for the schedulers of a cell.', {
    graceMs: () => 10_000,
    start: (config, parts) =>
      withStatus(config.statusListen, parts, async () =>
        startDecoder(config, { ...parts, bus: await joinCell(config, parts) }),
      ),
  });
}
