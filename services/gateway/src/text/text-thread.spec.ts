import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { tinyProcessor } from '../testing/tiny-processor.js';
import { TextThread } from './text-thread.js';
import { createTextWork } from './text-work.js';

let thread: TextThread;
afterEach(() => thread.close());

const never = new AbortController().signal;

describe('a text thread', () => {
  const work = createTextWork(tinyProcessor);
  const piece = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...tinyProcessor.tokenizer.specialTokens.keys(), '<|im_', 'e\u0301', '\ufdd0', ' \n'),
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));

  it('gives what is given without it, whatever the text', async () => {
    thread = new TextThread(tinyProcessor.files, { maxWaiting: 1 });
    await fc.assert(
      fc.asyncProperty(text, fc.boolean(), async (content, flag) => {
        expect(await thread.run('encode', [content, flag], never)).toEqual(work.encode(content, flag));
        const visual = tinyProcessor.measureImage({ height: 84, width: 84 });
        const parts = [{ type: 'image', visual } as const, { type: 'text', text: content } as const];
        const args = [[{ role: 'user', content: parts }], { addVisionId: flag }] as const;
        const prompt = await thread.run('buildPrompt', [...args], never);
        expect(prompt).toEqual(work.buildPrompt(...args));
        expect(await thread.run('decodeEach', [prompt.tokenIds], never)).toEqual(work.decodeEach(prompt.tokenIds));
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  it('rejects with the error of the work', async () => {
    thread = new TextThread(tinyProcessor.files, { maxWaiting: 1 });
    const visual = tinyProcessor.measureImage({ height: 84, width: 84 });
    const args = [[{ role: 'user', content: [{ type: 'image', visual: { ...visual, kind: 'video' } }] }], {}] as const;
    expect(() => work.buildPrompt(...(args as never as Parameters<typeof work.buildPrompt>))).toThrow('placeholders');
    await expect(thread.run('buildPrompt', [...args] as never, never)).rejects.toMatchObject({
      reason: 'checkpoint_invalid',
      message: expect.stringContaining('placeholders'),
    });
  });
});

describe('a text thread whose work hangs, dies or is abandoned', () => {
  const entry = new URL('./fixtures/scripted-thread.mjs', import.meta.url);
  const start = (maxWaiting = 9) => {
    thread = new TextThread(tinyProcessor.files, { maxWaiting, entry });
  };
  const say = (word: string, signal = never) =>
    thread.run('encode', [word, false], signal) as unknown as Promise<[string, number]>;

  it('does one job after the other in one thread', async () => {
    start();
    const [[first, threadA], [second, threadB]] = await Promise.all([say('a'), say('b')]);
    expect([first, second, threadA]).toEqual(['a', 'b', threadB]);
  });

  for (const word of ['exit', 'throw']) {
    it(`that dies (${word}) fails its job alone`, async () => {
      start();
      const dying = say(word);
      const next = say('a');
      await expect(dying).rejects.toMatchObject({ reason: 'worker_failed' });
      expect((await next)[0]).toBe('a');
    });
  }

  it('fails a job that cannot be handed to the thread, and takes the next', async () => {
    start();
    const unclonable = () => thread.run('encode', [(() => {}) as never, false], never);
    const refused = { status: 'rejected', reason: { reason: 'worker_failed' } };
    const done = (word: string) => ({ status: 'fulfilled', value: [word, expect.any(Number)] });
    const jobs = [unclonable(), say('a'), unclonable(), say('b')];
    expect(await Promise.allSettled(jobs)).toMatchObject([refused, done('a'), refused, done('b')]);
  });

  it('fails every job when no thread can be started', async () => {
    thread = new TextThread(tinyProcessor.files, { maxWaiting: 9, entry: new URL('http://localhost/') });
    for (const job of [say('a'), say('b')]) await expect(job).rejects.toMatchObject({ reason: 'worker_failed' });
  });

  it('stops the job of a client that leaves, and forgets one that waits', async () => {
    start();
    const leaving = new AbortController();
    const reason = new Error('the client left');
    const running = say('hang', leaving.signal);
    const waiting = say('exit', leaving.signal);
    const next = say('a');
    leaving.abort(reason);
    await expect(running).rejects.toBe(reason);
    await expect(waiting).rejects.toBe(reason);
    expect((await next)[0]).toBe('a');
    await expect(say('b', leaving.signal)).rejects.toBe(reason);
  });

  it('refuses more jobs than may wait', async () => {
    start(1);
    const leaving = new AbortController();
    const held = [say('hang', leaving.signal), say('hang', leaving.signal)];
    await expect(say('a')).rejects.toMatchObject({ reason: 'queue_full', facts: { limit: 1, retryAfterSeconds: 1 } });
    leaving.abort(new Error('enough'));
    await Promise.allSettled(held);
    expect((await say('a'))[0]).toBe('a');
  });

  it('fails what it has and takes nothing more once it is closed', async () => {
    start();
    const held = [say('hang'), say('a')];
    const closed = thread.close();
    for (const job of held) await expect(job).rejects.toMatchObject({ reason: 'shutting_down' });
    await closed;
    await expect(say('a')).rejects.toMatchObject({ reason: 'shutting_down' });
  });
});
