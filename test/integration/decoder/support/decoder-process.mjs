import { createMemoryBus, MemoryHub } from '@tessera/bus';
import { decoderConfigSchema, startDecoder } from '@tessera/decoder';
import { createLogger, loadConfig, runUntilSignal } from '@tessera/runtime';

// A decoder as a process of its own, with the options that its argument gives; tells its parent as what member of the
// cell it is announced.
const config = loadConfig(decoderConfigSchema, { env: {}, overrides: JSON.parse(process.argv[2]) });
const logger = createLogger({ name: 'decoder', stream: process.stderr });
const bus = createMemoryBus(new MemoryHub());
process.on('disconnect', () => process.exit());
await runUntilSignal(
  async (context) => {
    const { health } = await startDecoder(config, { logger, context, bus });
    for await (const [member] of bus.watch('decoder', context.signal)) {
      process.send({ member, isReady: health.report().isReady });
      break;
    }
  },
  { logger },
);
