import { embeddingKey } from '@tessera/domain';
import { rootHash } from '@tessera/kv';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { segmentPrompt } from '../chat/segments.js';
import { tinyProcessor } from '../testing/tiny-processor.js';
import { createTextThread } from './create-text-thread.js';
import { createTextWork } from './text-work.js';

const thread = createTextThread(tinyProcessor.files);
afterAll(() => thread.close());

const never = new AbortController().signal;
const root = rootHash({ modelRevision: 'r', tenant: 't', salt: '' });

describe('a text thread', () => {
  const work = createTextWork(tinyProcessor);
  const piece = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...tinyProcessor.tokenizer.specialTokens.keys(), '<|im_', 'e\u0301', '\ufdd0', ' \n'),
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));

  it('gives what is given without it, whatever the text', async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.boolean(), async (content, flag) => {
        expect(await thread.run('encode', [content, flag], never)).toEqual(work.encode(content, flag));
        const visual = tinyProcessor.measureImage({ height: 84, width: 84 });
        const parts = [{ type: 'image', visual } as const, { type: 'text', text: content } as const];
        const args = [[{ role: 'user', content: parts }], { addVisionId: flag }] as const;
        const prompt = await thread.run('buildPrompt', [...args], never);
        expect(prompt).toEqual(work.buildPrompt(...args));
        const asked = [prompt.tokenIds, 4096, flag] as const;
        expect(await thread.run('toTokenizeAnswer', [...asked], never)).toBe(work.toTokenizeAnswer(...asked));
        const { tokenIds, positions } = prompt;
        expect(await thread.run('decode', [tokenIds, flag], never)).toBe(work.decode(tokenIds, flag));
        const hashed = { tokenIds, positions, segments: segmentPrompt(prompt, [embeddingKey(content)]) };
        expect(await thread.run('hashPrefix', [hashed, root, 16], never)).toEqual(work.hashPrefix(hashed, root, 16));
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  it('rejects with the error of the work', async () => {
    const visual = tinyProcessor.measureImage({ height: 84, width: 84 });
    const args = [[{ role: 'user', content: [{ type: 'image', visual: { ...visual, kind: 'video' } }] }], {}] as const;
    expect(() => work.buildPrompt(...(args as never as Parameters<typeof work.buildPrompt>))).toThrow('placeholders');
    await expect(thread.run('buildPrompt', [...args] as never, never)).rejects.toMatchObject({
      reason: 'checkpoint_invalid',
      message: expect.stringContaining('placeholders'),
    });
  });
});
