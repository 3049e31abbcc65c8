import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertTensors, Checkpoint, loadProcessor } from '@tessera/onnx-graph';
import { defaultChatTemplate } from '@tessera/qwen2-5-vl';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { tinyRawConfig } from '../testing/tiny-checkpoint.js';
import { writeRandomCheckpoint } from './write-random-checkpoint.js';

describe('writeRandomCheckpoint', () => {
  it('writes a folder that opens as a checkpoint and builds prompts', async () => {
    const dir = await temporaryFolder();
    await writeRandomCheckpoint(dir, tinyRawConfig, { seed: 1, maxShardBytes: 10_000 });
    const checkpoint = await Checkpoint.open(dir);
    onTestFinished(() => checkpoint.close());
    expect(() => assertTensors(checkpoint.config, checkpoint.shapes)).not.toThrow();
    expect((await readdir(dir)).filter((name) => name.endsWith('.safetensors')).length).toBeGreaterThan(1);
    const processor = await loadProcessor(dir);
    const { tokenIds } = processor.buildPrompt([{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }]);
    expect(processor.tokenizer.decode([...tokenIds])).toContain('<|im_start|>user\nHi<|im_end|>\n');
    expect(processor.generation.eosTokenIds).toEqual([151645, 151643]);
    const template = JSON.parse(await readFile(join(dir, 'chat_template.json'), 'utf8'));
    expect(template).toEqual({ chat_template: defaultChatTemplate });
    // The published tokenizer is large.
  }, 60_000);

  it('tells of every byte of the weights', async () => {
    const dir = await temporaryFolder();
    const told: number[] = [];
    let doneBytes = 0;
    await writeRandomCheckpoint(
      dir,
      tinyRawConfig,
      { seed: 1 },
      { onStart: (total) => told.push(total), onBytes: (numBytes) => (doneBytes += numBytes) },
    );
    const index = JSON.parse(await readFile(join(dir, 'model.safetensors.index.json'), 'utf8'));
    expect([...told, doneBytes]).toEqual([index.metadata.total_size, index.metadata.total_size]);
  });

  it('leaves nothing when it is interrupted', async () => {
    const dir = join(await temporaryFolder(), 'checkpoint');
    const interrupt = new AbortController();
    const hooks = { onBytes: () => interrupt.abort(), signal: interrupt.signal };
    await expect(writeRandomCheckpoint(dir, tinyRawConfig, { seed: 1 }, hooks)).rejects.toMatchObject({
      name: 'AbortError',
    });
    await expect(readdir(dir)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
