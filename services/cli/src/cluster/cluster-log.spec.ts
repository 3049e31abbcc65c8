import { describe, expect, it } from 'vitest';
import { createClusterLog } from './cluster-log.js';

const entry = (level: number, msg: string) => JSON.stringify({ level, time: 0, name: 'decoder', msg, rank: 1 });

function createLog({ isTTY = false } = {}) {
  let text = '';
  const stream = {
    isTTY,
    write: (written: string) => {
      text += written;
    },
  };
  const log = createClusterLog({ level: 'info', stream });
  return { log, read: () => text };
}

describe('createClusterLog', () => {
  it('begins every line with the name of the process', () => {
    const { log, read } = createLog();
    log.hear('redis', entry(30, 'ready'));
    log.hear('gateway-0', 'Error: a bug\n    at main.js');
    expect(read().split('\n')).toEqual([
      'redis         00:00:00.000 info  ready rank=1',
      'gateway-0     Error: a bug',
      'gateway-0         at main.js',
      '',
    ]);
  });

  it('shows a line that a process did not finish as it is', () => {
    const { log, read } = createLog();
    const torn = ['{"level":', '{"level":3', entry(30, 'ready').slice(0, -1), '{"level":30}'];
    for (const line of torn) log.hear('redis', line);
    expect(read()).toBe(torn.map((line) => `redis         ${line}\n`).join(''));
  });

  it('leaves out what is less important', () => {
    const { log, read } = createLog();
    log.hear('redis', entry(20, 'a detail'));
    log.loggerOf('redis').debug('another detail');
    log.loggerOf('redis').warn('ended');
    expect(read()).toMatch(/^redis {9}\S+ warn {2}ended\n$/);
  });

  it('colours names on a terminal', () => {
    const { log, read } = createLog({ isTTY: true });
    for (const name of ['redis', 'nats', 'redis']) log.hear(name, 'hello');
    const colours = read()
      .split('\n')
      .slice(0, 3)
      .map((line) => line.slice(0, 5));
    expect(colours).toEqual(['\x1b[36m', '\x1b[33m', '\x1b[36m']);
  });
});
