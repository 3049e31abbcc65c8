import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawNoise } from '../support/pictures.js';
import { picturePart, question } from '../support/questions.js';
import { expectSoundBooks } from './support/cluster-books.js';
import { exact, faultQuestions, pauseMs } from './support/fault-questions.js';
import { FollowedStreams } from './support/followed-streams.js';
import { notePause } from './support/note-pause.js';
import { serveOn } from './support/serve-on.js';
import { type Cluster, startCluster } from './support/start-cluster.js';

let cluster: Cluster;
let expected: string[];
beforeAll(async () => {
  const options = { ...exact, 'max-step-tokens': 4096, 'log-level': 'debug' };
  cluster = await startCluster({ groups: 2, tp: 2, encoders: 2, options });
  expected = await new FollowedStreams(cluster.api, faultQuestions('undisturbed')).texts();
});
afterAll(() => cluster?.stop());

async function expectSameThrough(what: string, fault: () => void): Promise<void> {
  const streams = new FollowedStreams(cluster.api, faultQuestions(what));
  await streams.begun();
  fault();
  expect(await streams.texts()).toEqual(expected);
  notePause(what, streams.longestPauseMs);
}

describe('decoder ranks that fail', () => {
  it('one killed in a step: the other group takes over, and its own is whole again', async () => {
    await expectSameThrough('a rank killed', () => cluster.kill('decoder-0-1'));
    await expectSoundBooks(cluster);
  });

  it('one of each group killed: answers go on when a group is back', async () => {
    await expectSameThrough('a rank of every group killed', () => {
      cluster.kill('decoder-0-0');
      cluster.kill('decoder-1-1');
    });
    await expectSoundBooks(cluster);
  });

  it('one silent: it is found out, the other group takes over, and it does no harm when it wakes', async () => {
    await expectSameThrough('a rank paused', () => cluster.pause('decoder-1-0'));
    expect(await serveOn(cluster.api, 'a rank is paused', pauseMs)).toContainEqual(expected);
    cluster.resume('decoder-1-0');
    expect(await serveOn(cluster.api, 'a rank was paused', 1)).toEqual([expected]);
    await expectSoundBooks(cluster);
  });
});

describe('a request that crashes workers', () => {
  it('is quarantined when it has crashed a second one alone, and others go on', async () => {
    const others = new FollowedStreams(cluster.api, faultQuestions('beside a culprit'));
    await others.begun();
    const numPlaced = placements().length;
    const prompt = question('A long prompt is one step. '.repeat(100), { max_tokens: 5 });
    const culprit = new FollowedStreams(cluster.api, [prompt]);
    for (let numCrashes = 0; numCrashes < 2; numCrashes++) {
      const placed = () => {
        const [first, ...later] = placements().slice(numPlaced);
        return [first, ...later.filter(({ requestId }) => requestId === first?.requestId)][numCrashes];
      };
      await expect.poll(placed, { interval: 5, timeout: 60_000 }).toBeDefined();
      cluster.kill(`decoder-${placed()!.group}-0`);
    }
    const [refused] = await culprit.answers();
    expect(refused!.error).toMatch(/status 500: .*"code":"quarantined"/);
    expect(await others.texts()).toEqual(expected);
    notePause('beside a request that crashes workers', others.longestPauseMs);
    await expectSoundBooks(cluster);
  });

  /** Which request came onto which group, in the order of the log. */
  function placements() {
    const pattern = /^scheduler-0 .* placed sequence=(?<requestId>[^/]+)\S* group=group-(?<group>\d+)/gm;
    return [...cluster.log.matchAll(pattern)].map(({ groups }) => groups!);
  }
});

describe('an encoder that fails while it encodes', () => {
  const numPixels = 1092;
  const questionsOn = (pictures: readonly Buffer[], salt: string) =>
    pictures.map((picture) => question([picturePart(picture)], { max_tokens: 60, ignore_eos: true, cache_salt: salt }));

  for (const [what, fault, end] of [
    ['killed', () => cluster.kill('encoder-0'), () => {}],
    ['silent', () => cluster.pause('encoder-0'), () => cluster.resume('encoder-0')],
  ] as const) {
    it(`has its pictures uploaded again, to another one: ${what}`, async () => {
      const pictures = await Promise.all([1, 2, 3].map(() => drawNoise(numPixels, numPixels, 'jpeg')));
      const numEncoded = async () => (await cluster.metricOf('tessera_encoded_visuals_total')).get('encoder-1') ?? 0;
      const numEncodedBefore = await numEncoded();
      const streams = new FollowedStreams(cluster.api, questionsOn(pictures, 'disturbed'));
      const beside = new FollowedStreams(cluster.api, faultQuestions(`an encoder ${what}`));
      const isEncoding = async () => (await cluster.metricOf('tessera_encodes_running')).get('encoder-0');
      await expect.poll(isEncoding, { interval: 5, timeout: 30_000 }).toBeGreaterThan(0);
      fault();
      const texts = await streams.texts();
      expect(await beside.texts()).toEqual(expected);
      notePause(`beside an encoder ${what}`, beside.longestPauseMs);
      expect(await numEncoded()).toBeGreaterThanOrEqual(numEncodedBefore + pictures.length);
      end();
      await Promise.all(['encoder-0', 'encoder-1'].map((name) => cluster.restart(name)));
      await cluster.waitUntilReady();
      expect(await new FollowedStreams(cluster.api, questionsOn(pictures, 'undisturbed')).texts()).toEqual(texts);
      await expectSoundBooks(cluster);
    });
  }
});
