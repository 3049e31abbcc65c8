import { SeededRandom } from '@tessera/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSoundBooks } from './support/cluster-books.js';
import { exact, faultQuestions } from './support/fault-questions.js';
import { FollowedStreams } from './support/followed-streams.js';
import { notePause } from './support/note-pause.js';
import { type Cluster, startCluster } from './support/start-cluster.js';

const { TESSERA_TEST_SIZE: size } = process.env;
const numFaults = size === 'full' ? 60 : 8;
const seed = 20;

let cluster: Cluster;
let expected: string[];
beforeAll(async () => {
  const options = { ...exact, 'lease-ms': 2_000, 'silence-ms': 2_000 };
  cluster = await startCluster({ groups: 2, tp: 2, encoders: 2, schedulers: 2, options });
  expected = await new FollowedStreams(cluster.api, faultQuestions('undisturbed')).texts();
});
afterAll(() => cluster?.stop());

describe('one fault after the other, none waiting for the mending of the one before', () => {
  it('changes no answer, and leaves books that agree', async () => {
    const random = new SeededRandom(seed);
    let wake = () => {};
    for (let fault = 0; fault < numFaults; fault++) {
      const streams = new FollowedStreams(cluster.api, faultQuestions(`fault ${fault}`));
      await streams.begunOne();
      wake();
      const victim = drawRunning(random);
      const isPaused = random.integer(0, 1) === 0;
      cluster.kill(victim, isPaused ? 'SIGSTOP' : 'SIGKILL');
      wake = isPaused ? () => cluster.resume(victim) : () => {};
      const what = `${victim} ${isPaused ? 'paused' : 'killed'}, fault ${fault} of seed ${seed}`;
      expect([what, ...(await streams.texts())]).toEqual([what, ...expected]);
      notePause(what, streams.longestPauseMs);
    }
    wake();
    await expectSoundBooks(cluster);
  }, 900_000);

  /** Not the gateway, whose clients would notice. */
  function drawRunning(random: SeededRandom): string {
    const names = [...cluster.processes.keys()].filter((name) => name !== 'gateway-0').sort();
    for (;;) {
      const name = random.pick(names);
      if (cluster.processes.get(name)?.isUp) return name;
    }
  }
});
