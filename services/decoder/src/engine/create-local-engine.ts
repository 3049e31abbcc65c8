import { ServingError } from '@tessera/domain';
import { createDecoderEngine, type DecoderOptions } from '@tessera/engine';
import type { RankEngine } from './rank-engine.js';

/** What stands for the mesh address of a process that has all ranks in it. */
export const localMeshAddress = 'local';

/** All ranks of an engine directory in one thread of this process: a group of one. */
export async function createLocalEngine(engineDir: string, options: DecoderOptions): Promise<RankEngine> {
  const engine = await createDecoderEngine(engineDir, options);
  return {
    ...engine,
    get failure() {
      return engine.failure;
    },
    meshAddress: localMeshAddress,
    open: async ({ meshAddresses }) => {
      if (meshAddresses.length !== 1) {
        const message = `A process with all ranks in it is a group of one, not one of ${meshAddresses.length}.`;
        throw new ServingError('invalid_option', message, { given: meshAddresses.length, limit: 1 });
      }
      await engine.reset();
    },
    // Its ranks wait for nobody outside.
    endSession: async () => {},
  };
}
