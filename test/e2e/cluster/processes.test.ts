import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, evalItem } from '../support/eval-items.js';
import { longAnswer } from '../support/questions.js';
import { runTessera, sharedEngineCache } from '../support/tessera-process.js';
import { isAlive } from './support/is-alive.js';
import { type Cluster, launchCluster, startCluster } from './support/start-cluster.js';

let cluster: Cluster | undefined;
afterEach(async () => {
  cluster?.command.signal('SIGKILL');
  await cluster?.command.exited;
  cluster = undefined;
});

function pidsOf({ processes, command }: Cluster): number[] {
  return [command.pid, ...[...processes.values()].map(({ pid }) => pid)];
}

function expectNoneOf(pids: readonly number[]): Promise<void> {
  return expect.poll(() => pids.filter(isAlive), { interval: 20, timeout: 20_000 }).toEqual([]);
}

describe('the processes of a cluster', () => {
  it('are as many as asked for, and gone with it, after the answer that is being given', async () => {
    cluster = await startCluster({ gateways: 2, schedulers: 2 });
    const names = ['decoder-0', 'encoder-0', 'gateway-0', 'gateway-1', 'nats', 'redis', 'scheduler-0', 'scheduler-1'];
    expect([...cluster.processes.keys()].sort()).toEqual(names);
    const pids = pidsOf(cluster);
    const events = cluster.apiOf('gateway-1').stream(longAnswer(100));
    await events.next();
    const stopped = cluster.stop();
    const rest: string[] = [];
    for await (const event of events) rest.push(event);
    expect(rest.at(-1)).toBe('[DONE]');
    await stopped;
    await expectNoneOf(pids);
  });

  it('say how they are and what they count', async () => {
    cluster = await startCluster();
    for (const name of ['decoder-0', 'encoder-0', 'scheduler-0', 'gateway-0']) {
      const api = cluster.apiOf(name);
      expect([name, (await api.get('/health/live')).status]).toEqual([name, 200]);
      expect([name, (await api.get('/health/ready')).status]).toEqual([name, 200]);
    }
    const residentBytes = await cluster.metricOf('process_resident_memory_bytes');
    expect([...residentBytes.keys()].sort()).toEqual(['decoder-0', 'encoder-0', 'gateway-0', 'scheduler-0']);
  });

  it('are started again when they die, and serve again', async () => {
    cluster = await startCluster({ tp: 2 });
    const item = evalItem('color_004');
    expect(await cluster.api.answer(ask(item))).toBe(item.text);
    for (const name of ['encoder-0', 'decoder-0-1', 'scheduler-0', 'redis', 'nats', 'gateway-0']) {
      await cluster.restart(name);
      await cluster.waitUntilReady();
      expect([name, await cluster.api.answer(ask(item))]).toEqual([name, item.text]);
    }
    await cluster.stop();
  });

  it('do not outlive it when it is killed, not even those that are paused', async () => {
    cluster = await startCluster();
    const pids = pidsOf(cluster);
    cluster.pause('encoder-0');
    cluster.command.signal('SIGKILL');
    await expectNoneOf(pids);
  });

  it('end when it is stopped while they start', async () => {
    cluster = launchCluster();
    await cluster.command.printed(/gateway-0 .* started pid=/);
    const pids = pidsOf(cluster);
    await cluster.stop();
    await expectNoneOf(pids);
  });
});

describe('a cluster that cannot be started', () => {
  it('names the process that is at fault, and leaves none behind', async () => {
    cluster = launchCluster({ options: { 'kv-cache-tokens': 1 } });
    expect(await cluster.command.exited).toBe(1);
    expect(cluster.log).toMatch(/^tessera: decoder-0: ended with exit code 1 before it was ready$/m);
    await expectNoneOf(pidsOf(cluster));
  });

  for (const command of ['cluster', 'gateway']) {
    it(`names the port that is taken (${command})`, async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as AddressInfo;
      const starting = runTessera([command, '--model', 'models/tessera-tiny', '--port', String(port)]);
      expect(await starting.exited).toBe(1);
      expect(starting.output).toContain(`tessera: --port ${port} is taken by another process`);
      other.close();
    });
  }

  it('says how to get a server that it lacks', async () => {
    const starting = runTessera(['cluster', '--port', '0', '--engine-cache', sharedEngineCache], { PATH: '/nowhere' });
    expect(await starting.exited).toBe(1);
    expect(starting.output).toMatch(/^tessera: Cannot run nats-server: .*install-servers\.mjs.* --nats nats:/m);
  });
});
