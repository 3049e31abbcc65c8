import { ServingError } from '@tessera/domain';
import { createProgress, type Progress } from '@tessera/runtime';
import { Argument, Command } from 'commander';
import { type PublishedSizeId, publishedSizes } from '../inspect/published-sizes.js';
import { publishedConfig } from '../random-checkpoint/published-config.js';
import { writeRandomCheckpoint } from '../random-checkpoint/write-random-checkpoint.js';
import { untilInterrupted } from '../until-interrupted.js';
import { parseCount, parseIndex } from './parse-count.js';

interface RandomCheckpointFlags {
  readonly layers?: number;
  readonly seed: number;
}

/** `tessera random-checkpoint`: a folder of published shapes to measure with, without a download. */
export function randomCheckpointCommand(): Command {
  return new Command('random-checkpoint')
    .description('Write a checkpoint folder of a published size with random weights, for measurements.')
    .addArgument(new Argument('<size>', 'published size').choices(Object.keys(publishedSizes)))
    .argument('<dir>', 'new or empty folder')
    .option('--layers <n>', 'decoder layers (default: all of the published size)', parseCount)
    .option('--seed <n>', 'seed of the weights', parseIndex, 0)
    .action(randomCheckpoint);
}

async function randomCheckpoint(
  sizeId: PublishedSizeId,
  dir: string,
  { layers, seed }: RandomCheckpointFlags,
): Promise<void> {
  const size = publishedSizes[sizeId];
  const numLayers = layers ?? size.text.numLayers;
  if (numLayers > size.text.numLayers) {
    throw new ServingError('invalid_option', `--layers ${numLayers}: the ${size.name} has ${size.text.numLayers}.`, {
      option: '--layers',
    });
  }
  await untilInterrupted((signal) => write(dir, publishedConfig(size, numLayers), seed, signal));
  console.log(`A ${size.name} of ${numLayers} layers with random weights is in ${dir}`);
}

/** With a progress bar; throws `cancelled` when it is interrupted. */
async function write(dir: string, config: object, seed: number, signal: AbortSignal): Promise<void> {
  let progress: Progress | undefined;
  const onStart = (total: number) => {
    progress = createProgress({ title: 'Writing checkpoint', total, unit: 'bytes' });
  };
  try {
    await writeRandomCheckpoint(
      dir,
      config,
      { seed },
      { onStart, onBytes: (numBytes) => progress?.advance(numBytes), signal },
    );
    progress?.finish();
  } catch (cause) {
    progress?.fail();
    if (!signal.aborted) throw cause;
    throw new ServingError('cancelled', `Interrupted: nothing was kept in ${dir}.`, { dir }, { cause });
  }
}
