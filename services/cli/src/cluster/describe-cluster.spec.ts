import { expect, it } from 'vitest';
import { describeCluster } from './describe-cluster.js';
import type { ClusterProcess } from './start-cluster.js';

const config = { model: 'models/tessera-tiny', servedModelName: undefined, cell: 'default' };
const redis: ClusterProcess = { name: 'redis', service: 'redis', pid: 3, address: 'redis://here:4' };

it('says where a cluster serves, and by what options other commands find its processes', () => {
  const processes: ClusterProcess[] = [
    { name: 'decoder-0', service: 'decoder', pid: 11, url: 'http://here:1' },
    { name: 'scheduler-0', service: 'scheduler', pid: 2, url: 'http://here:20', address: 'here:21' },
    { name: 'nats', service: 'nats', pid: 5, address: 'nats://here:5' },
    redis,
  ];
  const urls = ['http://here:80', 'http://here:81'];
  expect(describeCluster(config, { urls, processes }, 9_840)).toBe(
    [
      'Tessera serves tessera-tiny at http://here:80, http://here:81 (ready in 9.8 s, Ctrl-C stops it)',
      '  decoder-0    pid 11  http://here:1/metrics',
      '  scheduler-0  pid 2   http://here:20/metrics  --scheduler here:21',
      '  nats         pid 5                           --nats nats://here:5',
      '  redis        pid 3                           --redis redis://here:4',
    ].join('\n'),
  );
});

const directories: readonly (readonly [title: string, address: string, cell: string, option: string])[] = [
  ['without its password', 'redis://me:s@cret@host:6379/2', 'default', '--redis redis://***@host:6379/2'],
  ['without one that no URL has', ':secret@host', 'default', '--redis ***@host'],
  ['with the name of the cell', 'redis://host', 'blue', '--redis redis://host --cell blue'],
];
for (const [title, address, cell, option] of directories) {
  it(`names a Redis server that is not its own ${title}`, () => {
    const processes = [{ ...redis, pid: undefined, address }];
    const [, row] = describeCluster({ ...config, cell }, { urls: [], processes }, 0).split('\n');
    expect(row!.trim().split(/ {2,}/)).toEqual(['redis', option]);
  });
}
