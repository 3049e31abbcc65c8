import { blockHash, type PageRecord } from '@tessera/domain';
import { type PageDelta, RedisPageDirectory } from '@tessera/kv';
import { createCertificates, startNats, startRedis, type TestServer } from '@tessera/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTemporaryFolder } from '../parity/support/temporary-folder.js';
import { goldensDir } from '../parity/support/verify-goldens.js';
import { runTessera, sharedEngineCache, type TesseraProcess } from './support/tessera-process.js';

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

async function run(...args: readonly string[]): Promise<Outcome> {
  const tessera = runTessera(args);
  return { code: await tessera.exited, output: tessera.output };
}

const sound = /^audit: \d+ pages, 2 groups, 4 ranks: 0 wrong, 0 lag, 0 harmless\n$/;

describe('the pages of a cluster at rest', () => {
  let redis: TestServer;
  let cluster: TesseraProcess;
  let scheduler: string[];
  let directory: string[];
  beforeAll(async () => {
    redis = await startRedis();
    const model = `${goldensDir}/checkpoints/tiny-nested`;
    const size = ['--groups', '2', '--tp', '2', '--encoders', '2'];
    const own = ['--port', '0', '--engine-cache', sharedEngineCache, '--redis', redis.url];
    cluster = runTessera(['cluster', '--model', model, ...size, ...own]);
    const [, url] = await cluster.printed(/^Tessera serves \S+ at (\S+)/m);
    const optionOf = async (name: string) =>
      (await cluster.printed(new RegExp(`^  ${name} .*  (--\\S+ \\S+)\n`, 'm')))[1]!.split(' ');
    scheduler = await optionOf('scheduler-0');
    directory = await optionOf('redis');
    const { output } = await run('verify', goldensDir, '--through', url!);
    expect(output).toMatch(/^verify: \d+ passed, 0 failed/m);
  });
  afterAll(async () => {
    cluster?.signal('SIGINT');
    await cluster?.exited;
    await redis?.stop();
  });

  const booked = async (args: readonly string[]) => JSON.parse((await run('pages', ...args, '--json')).output);

  let batchId = 2 ** 40;
  /** Has the directory say something else of a page that is cached. */
  async function falsify(change: (page: PageRecord) => PageDelta): Promise<void> {
    const { groups } = await booked(directory);
    const { groupId, epoch, stepId, pages } = groups.find((group: { pages: object[] }) => group.pages.length > 0);
    const writer = new RedisPageDirectory({ url: redis.url, prefix: 'tessera:default' });
    const deltas = [change(pages[0])];
    expect(await writer.write({ epoch, batchId: batchId++, groupId, stepId, isWhole: false, deltas })).toBe('written');
    await writer.close();
  }

  it('are the same by the scheduler and by the directory, all of them cached', async () => {
    const [held, described] = await Promise.all([booked(scheduler), booked(directory)]);
    expect(held).toMatchObject({ source: 'scheduler', numRunning: 0, numWaiting: 0 });
    expect(described.source).toBe('directory');
    const pagesOf = (book: typeof held) =>
      Object.fromEntries(book.groups.map((g: typeof held) => [g.groupId, g.pages]));
    expect(pagesOf(described)).toEqual(pagesOf(held));
    const pages: PageRecord[] = held.groups.flatMap((group: { pages: PageRecord[] }) => group.pages);
    expect(pages.length).toBeGreaterThan(0);
    expect(new Set(pages.map(({ state }) => state))).toEqual(new Set(['cached']));
  });

  it('are printed as a table for each group', async () => {
    const { output, code } = await run('pages', ...scheduler, '--group', 'group-1');
    expect(output).toMatch(
      /^scheduler: 0 requests run, 0 wait\n\ngroup group-1, epoch \d+: 0 owned, \d+ cached, \d+ free of \d+\n/,
    );
    expect(code).toBe(0);
  });

  it('have an audit without a difference', async () => {
    const { output, code } = await run('audit', ...scheduler, ...directory, '--at-rest');
    expect(output).toMatch(sound);
    expect(code).toBe(0);
  });

  it('may lag behind in the directory, but not for ever', async () => {
    await falsify(({ pageId }) => ({ pageId, state: 'free' }));
    const books = [...scheduler, ...directory];
    const [running, atRest] = await Promise.all([run('audit', ...books), run('audit', ...books, '--at-rest')]);
    expect(running.output).toMatch(
      /^lag {2}directory_differs {2}group-\d {2}Page \d+: the scheduler has it cached .*\.\n\n/,
    );
    expect(running.code).toBe(0);
    expect(atRest).toEqual({ output: running.output, code: 1 });
  });

  it('are wrong when the directory contradicts', async () => {
    await falsify((page) => ({ ...page, blockHash: blockHash('0'.repeat(64)) }));
    const { output, code } = await run('audit', ...scheduler, ...directory);
    expect(output).toMatch(
      /^wrong {2}directory_contradicts {2}group-\d {2}Page \d+: the scheduler has it cached .*\.\n/,
    );
    expect(code).toBe(1);
  });

  const refusals: [what: string, args: () => string[], message: string | RegExp][] = [
    ['no book', () => ['pages'], 'Either --scheduler or --redis says whose book is shown.'],
    [
      'two books at once',
      () => ['pages', ...scheduler, ...directory],
      'Either --scheduler or --redis says whose book is shown.',
    ],
    [
      'a group that is not there',
      () => ['pages', ...directory, '--group', 'x'],
      '--group: there is no group x; there are: group-0, group-1.',
    ],
    [
      'a cell that is not there',
      () => ['pages', ...directory, '--cell', 'x', '--group', 'x'],
      '--group: there is no group x; there are: none.',
    ],
    [
      'half of what TLS takes',
      () => ['pages', ...scheduler, '--tls-ca', 'x'],
      '--tls-ca, --tls-cert and --tls-key go together.',
    ],
    ['what is no address of Redis', () => ['pages', '--redis', 'x'], '--redis: expected redis:// or rediss://.'],
    [
      'the audit of one book',
      () => ['audit', ...scheduler],
      '--scheduler and --redis are both needed: their books are compared.',
    ],
    ['a scheduler that is not there', () => ['pages', '--scheduler', '127.0.0.1:9'], /^127\.0\.0\.1:9: .*$/],
    [
      'a Redis server that is not there',
      () => ['pages', '--redis', 'redis://:secret@127.0.0.1:9'],
      /^127\.0\.0\.1:9: the page directory cannot be read \(.*\)\.$/,
    ],
  ];
  for (const [what, args, message] of refusals) {
    it(`say in a sentence why they cannot be shown: ${what}`, async () => {
      const { output, code } = await run(...args());
      expect(output).toMatch(/^tessera: .*\n$/);
      const told = output.slice('tessera: '.length, -1);
      if (typeof message === 'string') expect(told).toBe(message);
      else expect(told).toMatch(message);
      expect(code).toBe(1);
    });
  }
});

for (const command of ['pages', 'audit']) {
  it(`tessera ${command} --help says where its addresses are printed`, async () => {
    const { output, code } = await run(command, '--help');
    expect(output).toMatch(/\n {2}tessera \w+ --scheduler .*`tessera cluster` prints both/s);
    expect(code).toBe(0);
  });
}

describe('the pages of a cluster that speaks TLS', () => {
  it('are shown to whoever has a certificate', async () => {
    const folder = createTemporaryFolder();
    const { caFile, certFile, keyFile } = createCertificates(folder.path);
    const tls = ['--tls-ca', caFile, '--tls-cert', certFile, '--tls-key', keyFile];
    const nats = await startNats();
    const scheduler = runTessera(['scheduler', '--nats', nats.url, ...tls]);
    const [, address] = await scheduler.printed(/"address":"([^"]+)"[^\n]*scheduler ready/);
    await scheduler.printed(/leading the cell/);
    const [shown, refused] = await Promise.all([
      run('pages', '--scheduler', address!, ...tls),
      run('pages', '--scheduler', address!),
    ]);
    scheduler.signal('SIGTERM');
    await scheduler.exited;
    await nats.stop();
    folder.remove();
    // Node.js warns of an address in the place of a name.
    expect(shown).toMatchObject({
      code: 0,
      output: expect.stringMatching(/scheduler: 0 requests run, 0 wait\n\nno groups\n$/),
    });
    expect(refused).toMatchObject({ code: 1, output: expect.stringMatching(/^tessera: 127\.0\.0\.1:\d+: .*\n$/) });
  });
});
