import { startScheduler } from '@tessera/scheduler';
import { joinCell } from '../process/join-cell.js';
import { serviceCommand } from '../process/service-command.js';
import { withStatus } from '../process/with-status.js';

/** `tessera scheduler`: a scheduler as a process, leading or standing by. */
export function schedulerCommand() {
  return serviceCommand(
    'scheduler',
    'Plan what the decoders of a cell compute; of several schedulers one leads and the others stand by.',
    {
      graceMs: () => 10_000,
      start: (config, parts) =>
        withStatus(config.statusListen, parts, async (metrics) =>
          startScheduler(config, { ...parts, metrics, bus: await joinCell(config, parts) }),
        ),
    },
  );
}
