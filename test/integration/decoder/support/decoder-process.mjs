import { createMemoryBus, MemoryHub } from '@tessera/bus';
import { decoderConfigSchema, startDecoder } from '@tessera/decoder';
import { createLogger, loadConfig, runUntilSignal } from '@tessera/runtime';

// A decoder as a process of its own, with the options that its argument gives; says where it is once it can be led.
const config = loadConfig(decoderConfigSchema, { env: {}, overrides: JSON.parse(process.argv[2]) });
const logger = createLogger({ name: 'decoder', stream: process.stderr });
const bus = createMemoryBus(new MemoryHub());
process.on('disconnect', () => process.exit());
await runUntilSignal(
  async (context) => {
    const { address, meshAddress } = await startDecoder(config, { logger, context, bus });
    process.send({ address, meshAddress });
  },
  { logger },
);
