import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evalItem } from '../support/eval-items.js';
import { picturePart, question, textPart } from '../support/questions.js';
import { expectSoundBooks, leaderOf } from './support/cluster-books.js';
import { exact, faultQuestions, pictureQuestion } from './support/fault-questions.js';
import { FollowedStreams } from './support/followed-streams.js';
import { notePause } from './support/note-pause.js';
import { believersOf, readReigns } from './support/reigns.js';
import { type Cluster, startCluster } from './support/start-cluster.js';

let cluster: Cluster;
let expected: string[];
beforeAll(async () => {
  const options = { ...exact, 'lease-ms': 2_000, 'silence-ms': 2_000 };
  cluster = await startCluster({ groups: 2, schedulers: 2, gateways: 2, options });
  expected = await new FollowedStreams(cluster.api, faultQuestions('undisturbed')).texts();
});
afterAll(() => cluster?.stop());

const otherOf = (leader: string) => (leader === 'scheduler-0' ? 'scheduler-1' : 'scheduler-0');

/** One leader after the other, each obeyed in epochs above all before: nobody whose successor was obeyed comes back. */
function expectNoSplit(): void {
  const reigns = readReigns(cluster);
  for (const decoder of new Set(reigns.map((reign) => reign.decoder))) {
    const own = reigns.filter((reign) => reign.decoder === decoder);
    const epochs = own.map(({ epoch }) => epoch);
    expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
    const leaders = own.map(({ leaderId }) => leaderId).filter((id, i, all) => id !== all[i - 1]);
    expect(leaders).toEqual([...new Set(leaders)]);
  }
}

describe('a scheduler that is killed', () => {
  it('has a successor that the workers obey, who goes on with every answer', async () => {
    const leader = await leaderOf(cluster);
    const streams = new FollowedStreams(cluster.api, faultQuestions('the leader killed'));
    await streams.begun();
    const obeyed = () => readReigns(cluster).at(-1)!.leaderId;
    const killed = obeyed();
    cluster.kill(leader);
    expect(await streams.texts()).toEqual(expected);
    notePause('the leader killed', streams.longestPauseMs);
    // The other one, or the one that was started in place of the killed one.
    expect(obeyed()).not.toBe(killed);
    expectNoSplit();
    await expectSoundBooks(cluster);
  });

  it('leaves the pages of earlier questions to be found', async () => {
    const item = evalItem('describe_007');
    const about = (text: string) => question([picturePart(item.picture), textPart(text)]);
    await cluster.api.complete(about(item.prompt));
    await cluster.api.complete(about('What else is there?'));
    await cluster.restart(await leaderOf(cluster));
    await cluster.waitUntilReady();
    const { choices, usage } = await cluster.api.complete(about(item.prompt));
    expect(choices[0]?.message.content).toBe(item.text);
    expect(usage.prompt_tokens_details.cached_tokens).toBeGreaterThanOrEqual(item.numImageTokens);
    await expectSoundBooks(cluster);
  });
});

describe('a leader that is paused until another one leads', () => {
  it('is obeyed by nobody when it wakes, and leads no more', async () => {
    const leader = await leaderOf(cluster);
    const streams = new FollowedStreams(cluster.api, faultQuestions('the leader paused'));
    await streams.begun();
    cluster.pause(leader);
    expect(await streams.texts()).toEqual(expected);
    notePause('the leader paused', streams.longestPauseMs);
    const after = new FollowedStreams(cluster.api, faultQuestions('the leader awake'));
    await after.begun();
    cluster.resume(leader);
    expect(await after.texts()).toEqual(expected);
    notePause('the paused leader awake', after.longestPauseMs);
    await expect.poll(() => believersOf(cluster), { interval: 50, timeout: 20_000 }).toEqual([otherOf(leader)]);
    expect(await leaderOf(cluster)).toBe(otherOf(leader));
    expectNoSplit();
    await expectSoundBooks(cluster);
  });
});

describe('a gateway that is killed', () => {
  it('leaves nothing behind, and the streams of another one go on', async () => {
    const own = new FollowedStreams(cluster.apiOf('gateway-1'), [
      ...faultQuestions('the gateway killed'),
      pictureQuestion('ocr_001', { max_tokens: 3_000, ignore_eos: true }),
    ]);
    const others = new FollowedStreams(cluster.api, faultQuestions('another gateway killed'));
    await Promise.all([own.begun(), others.begun()]);
    cluster.kill('gateway-1');
    expect((await own.answers()).map(({ error }) => error)).not.toContain(undefined);
    expect(await others.texts()).toEqual(expected);
    notePause('another gateway killed', others.longestPauseMs);
    await expectSoundBooks(cluster);
    expect(await new FollowedStreams(cluster.apiOf('gateway-1'), faultQuestions('the gateway back')).texts()).toEqual(
      expected,
    );
  });
});
