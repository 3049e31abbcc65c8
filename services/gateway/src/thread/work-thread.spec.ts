import { afterEach, describe, expect, it } from 'vitest';
import { WorkThread } from './work-thread.js';

/** What the fixture does: says a word back, with its thread's number, or what the word says. */
interface Echo {
  echo(word: unknown): [string, number];
}

let thread: WorkThread<Echo>;
afterEach(() => thread.close());

const never = new AbortController().signal;

describe('a thread whose work hangs, dies or is abandoned', () => {
  const entry = new URL('./fixtures/scripted-thread.mjs', import.meta.url);
  const start = (maxWaiting = 9, program = entry) => {
    thread = new WorkThread<Echo>({ purpose: 'echoes', entry: program, maxWaiting });
  };
  const say = (word: unknown, signal = never) => thread.run('echo', [word], signal);

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
    const unclonable = () => say(() => {});
    const refused = { status: 'rejected', reason: { reason: 'worker_failed' } };
    const done = (word: string) => ({ status: 'fulfilled', value: [word, expect.any(Number)] });
    const jobs = [unclonable(), say('a'), unclonable(), say('b')];
    expect(await Promise.allSettled(jobs)).toMatchObject([refused, done('a'), refused, done('b')]);
  });

  it('fails every job when no thread can be started', async () => {
    start(9, new URL('http://localhost/'));
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
