import { setTimeout as comeAgainIn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSoundBooks, leaderOf } from './support/cluster-books.js';
import { exact, faultQuestions, pauseMs, pictureQuestion } from './support/fault-questions.js';
import { FollowedStreams } from './support/followed-streams.js';
import { notePause } from './support/note-pause.js';
import { believersOf } from './support/reigns.js';
import { serveOn } from './support/serve-on.js';
import { type Cluster, startCluster } from './support/start-cluster.js';

/** The pages hold the streams of two rounds; lanes and queue are soon full. */
const bounds = { 'kv-cache-tokens': 2048, 'max-sequences': 6, 'max-waiting-requests': 6 };

let cluster: Cluster;
let expected: string[];
beforeAll(async () => {
  const options = { ...exact, ...bounds, 'lease-ms': 2_000, 'silence-ms': 2_000 };
  cluster = await startCluster({ schedulers: 2, options });
  expected = await new FollowedStreams(cluster.api, faultQuestions('undisturbed')).texts();
});
afterAll(() => cluster?.stop());

/** Streams that run when it happens, and rounds of them until it is over, are those of every other day. */
async function expectServedThrough(what: string, fault: () => void, durationMs: number): Promise<void> {
  const streams = new FollowedStreams(cluster.api, faultQuestions(what));
  await streams.begun();
  fault();
  expect(await streams.texts()).toEqual(expected);
  notePause(what, streams.longestPauseMs);
  for (const texts of await serveOn(cluster.api, `${what}, after`, durationMs)) expect(texts).toEqual(expected);
}

describe('Redis', () => {
  it('may be paused: serving goes on, and the directory follows when it is back', async () => {
    await expectServedThrough('Redis paused', () => cluster.pause('redis'), pauseMs);
    cluster.resume('redis');
    await expectSoundBooks(cluster);
  });

  it('may be killed and come back empty: serving goes on, and the directory is written again', async () => {
    await expectServedThrough('Redis killed', () => cluster.kill('redis'), 1);
    await expectSoundBooks(cluster);
  });

  it('may know pages that are others since, when a new leader comes: none of them is a hit', async () => {
    const about = () => new FollowedStreams(cluster.api, [pictureQuestion('describe_007', { cache_salt: 'kept' })]);
    const [first] = await about().texts();
    const [known] = await about().answers();
    await expectSoundBooks(cluster);
    cluster.pause('redis');
    for (let round = 0; round < 3; round++) await serveOn(cluster.api, `churn ${round}`, 1);
    const leader = await leaderOf(cluster);
    const streams = new FollowedStreams(cluster.api, faultQuestions('Redis old'));
    await streams.begun();
    cluster.kill(leader);
    expect(await streams.texts()).toEqual(expected);
    cluster.resume('redis');
    const [again] = await about().answers();
    expect(again!.text).toBe(first);
    expect([known!.numCachedTokens, again!.numCachedTokens]).toEqual([48, 0]);
    await expectSoundBooks(cluster);
  });
});

describe('NATS', () => {
  it('may be paused: serving goes on, and members join when it is back', async () => {
    await expectServedThrough('NATS paused', () => cluster.pause('nats'), pauseMs);
    cluster.resume('nats');
    await expectJoining('NATS was paused');
  });

  it('may be killed: serving goes on, and members join when it is back', async () => {
    await expectServedThrough('NATS killed', () => cluster.kill('nats'), 1);
    await expectJoining('NATS was killed');
  });

  async function expectJoining(what: string): Promise<void> {
    await Promise.all(['decoder-0', 'encoder-0'].map((name) => cluster.restart(name)));
    await cluster.waitUntilReady();
    await expect.poll(async () => believersOf(cluster), { timeout: 20_000 }).toEqual([await leaderOf(cluster)]);
    expect(await serveOn(cluster.api, what, 1)).toEqual([expected]);
    await expectSoundBooks(cluster);
  }
});

describe('queues that are full', () => {
  it('send clients away until they have room, and every answer is given in the end', async () => {
    const questions = Array.from({ length: 8 }, (_, i) => faultQuestions(`crowd ${i}`)).flat();
    const statuses: number[] = [];
    const persist = async (body: object): Promise<string> => {
      for (;;) {
        const { status, headers, body: answer } = await cluster.api.ask(body);
        statuses.push(status);
        if (status === 200) return answer.choices[0].message.content;
        expect([status, answer.error.code]).toEqual([429, 'queue_full']);
        const retryAfter = headers.get('retry-after');
        expect(retryAfter).toMatch(/^[1-9]\d*$/);
        await comeAgainIn(1_000 * Number(retryAfter));
      }
    };
    const texts = await Promise.all(questions.map(persist));
    expect(texts).toEqual(Array.from({ length: 8 }, () => expected).flat());
    expect(statuses).toContain(429);
    await expectSoundBooks(cluster);
  });
});
