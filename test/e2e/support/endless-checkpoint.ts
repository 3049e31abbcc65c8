import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const modelDir = fileURLToPath(new URL('../../../models/tessera-tiny/', import.meta.url));

export interface EndlessCheckpoint {
  readonly dir: string;
  remove(): Promise<void>;
}

/** The bundled model without end tokens: whatever it is asked, it answers until the limit. Whoever makes it removes it. */
export async function createEndlessCheckpoint(): Promise<EndlessCheckpoint> {
  const dir = await mkdtemp(join(tmpdir(), 'tessera-endless-'));
  const names = (await readdir(modelDir)).filter((name) => /\.(json|safetensors)$/.test(name));
  for (const name of names) await cp(join(modelDir, name), join(dir, name));
  await writeFile(join(dir, 'generation_config.json'), JSON.stringify({ do_sample: false, eos_token_id: [] }));
  return { dir, remove: () => rm(dir, { recursive: true }) };
}
