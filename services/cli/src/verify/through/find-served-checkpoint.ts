import { ServingError } from '@tessera/domain';
import { Checkpoint } from '@tessera/onnx-graph';
import type { GoldenFolder } from '../golden-folder.js';
import type { ServedApi } from './served-api.js';

/**
 * Name of the checkpoint that the server serves, told by the digest of its content, of which every answer carries the
 * beginning. ServingError `invalid_option` when the folder has no cases for it.
 */
export async function findServedCheckpoint(folder: GoldenFolder, api: ServedApi): Promise<string> {
  const { system_fingerprint: served } = await api.complete({
    messages: [{ role: 'user', content: '?' }],
    max_tokens: 1,
  });
  const found: string[] = [];
  for (const name of await folder.checkpoints()) {
    const fingerprint = await fingerprintOf(folder.path('checkpoints', name));
    if (fingerprint === served) return name;
    found.push(`${name} (${fingerprint})`);
  }
  const there = found.length === 0 ? 'no cases at all' : `cases for ${found.join(', ')}`;
  throw new ServingError('invalid_option', `The server serves ${served}; ${folder.dir} has ${there}.`);
}

/** As `system_fingerprint` has it. */
async function fingerprintOf(dir: string): Promise<string> {
  const checkpoint = await Checkpoint.open(dir);
  try {
    return `fp_${(await checkpoint.digest()).slice(0, 12)}`;
  } finally {
    await checkpoint.close();
  }
}
