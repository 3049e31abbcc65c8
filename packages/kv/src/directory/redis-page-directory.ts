import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { PageRecord } from '@tessera/domain';
import { Redis } from 'ioredis';
import {
  type DirectoryGroup,
  epochRefused,
  type PageBatch,
  type PageDelta,
  type PageDirectory,
} from './page-directory.js';

export interface RedisDirectoryOptions {
  /** `redis://` or `rediss://`, with user and password where there are any. */
  readonly url: string;
  /** Beginning of all keys, of a cell's that of `directoryPrefixOf`; `tessera` by default. */
  readonly prefix?: string;
  /** Time for a connection, and for each answer; 2000 by default. A call that takes longer rejects. */
  readonly timeoutMs?: number;
}

interface Commands {
  openEpoch(epochKey: string, epoch: number): Promise<number>;
  writePages(...keysAndArguments: (string | number)[]): Promise<['written' | 'repeated' | 'lost' | 'refused', number]>;
  clearGroup(...keysAndArguments: (string | number)[]): Promise<number>;
}

/**
 * The page directory in Redis (docs/redis.md lists its keys). Connects at the first call and again for ever; a call
 * never waits longer than `timeoutMs`, and none is kept for later.
 */
export class RedisPageDirectory implements PageDirectory {
  readonly #redis: Redis & Commands;
  readonly #prefix: string;
  readonly #timeoutMs: number;
  #numConnections = 0;
  #isClosed = false;

  constructor({ url, prefix = 'tessera', timeoutMs = 2000 }: RedisDirectoryOptions) {
    this.#prefix = prefix;
    this.#timeoutMs = timeoutMs;
    this.#redis = connectLazily(url, timeoutMs);
    this.#redis.on('ready', () => this.#numConnections++);
  }

  async epoch(): Promise<number> {
    const redis = await this.#connected();
    return Number(await redis.get(this.#key('epoch')));
  }

  async open(epoch: number): Promise<void> {
    const redis = await this.#connected();
    const openEpoch = await redis.openEpoch(this.#key('epoch'), epoch);
    if (openEpoch !== epoch) throw epochRefused(epoch, openEpoch);
  }

  async write({
    epoch,
    batchId,
    groupId,
    stepId,
    isWhole,
    deltas,
  }: PageBatch): Promise<'written' | 'repeated' | 'lost'> {
    const redis = await this.#connected();
    const head = [epoch, batchId, groupId, stepId ?? '', isWhole ? '1' : '0'];
    const pages = deltas.flatMap((delta) => [delta.pageId, encodeState(delta)]);
    const [outcome, openEpoch] = await redis.writePages(...this.#keysOf(groupId), ...head, ...pages);
    if (outcome === 'refused') throw epochRefused(epoch, openEpoch);
    return outcome;
  }

  async read(groupId: string): Promise<DirectoryGroup | undefined> {
    const redis = await this.#connected();
    const [, , headKey, pagesKey] = this.#keysOf(groupId);
    const replies = (await redis.multi().hgetall(headKey).hgetall(pagesKey).exec()) ?? [];
    const failure = replies.find(([error]) => error)?.[0];
    if (failure) throw failure;
    const [head, pages] = replies.map(([, reply]) => reply as Record<string, string>);
    if (head.epoch === undefined) return undefined;
    return {
      groupId,
      epoch: Number(head.epoch),
      stepId: head.step === '' ? undefined : Number(head.step),
      pages: Object.entries(pages)
        .map(([page, state]) => decodeRecord(page, state))
        .sort((a, b) => a.pageId - b.pageId),
    };
  }

  async groups(): Promise<string[]> {
    const redis = await this.#connected();
    return (await redis.smembers(this.#key('groups'))).sort();
  }

  async clear(epoch: number, groupId: string): Promise<void> {
    const redis = await this.#connected();
    const openEpoch = await redis.clearGroup(...this.#keysOf(groupId), epoch, groupId);
    if (openEpoch > epoch) throw epochRefused(epoch, openEpoch);
  }

  onReturn(listener: () => void): () => void {
    const onReady = (): void => {
      if (this.#numConnections > 1) listener();
    };
    this.#redis.on('ready', onReady);
    return () => this.#redis.off('ready', onReady);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#redis.disconnect();
  }

  async #connected(): Promise<Redis & Commands> {
    if (this.#isClosed) throw new Error('The page directory is closed.');
    const redis = this.#redis;
    // What goes wrong here reaches the wait below as an event.
    if (redis.status === 'wait') redis.connect().catch(() => {});
    if (redis.status !== 'ready') await once(redis, 'ready', { signal: AbortSignal.timeout(this.#timeoutMs) });
    return redis;
  }

  /** The hash tag keeps a cell's keys in one slot, since a write compares the cell's epoch with its own. */
  #key(...names: string[]): string {
    return [`{${this.#prefix}}`, ...names].join(':');
  }

  #keysOf(groupId: string): string[] {
    return [
      this.#key('epoch'),
      this.#key('groups'),
      this.#key('group', groupId, 'head'),
      this.#key('group', groupId, 'pages'),
    ];
  }
}

function connectLazily(url: string, timeoutMs: number): Redis & Commands {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // What could not be written is written anew from what is true by then, never from a queue.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (numAttempts) => Math.min(50 * numAttempts, 1000),
    scripts: {
      openEpoch: { lua: readScript('open-epoch'), numberOfKeys: 1 },
      writePages: { lua: readScript('write-pages'), numberOfKeys: 4 },
      clearGroup: { lua: readScript('clear-group'), numberOfKeys: 4 },
    },
  });
  // Every call that an error concerns rejects with it.
  redis.on('error', () => {});
  return redis as Redis & Commands;
}

/** Scripts stay among the sources, which are as far from here when this runs from `dist`. */
function readScript(name: string): string {
  return readFileSync(new URL(`../../src/directory/lua/${name}.lua`, import.meta.url), 'utf8');
}

function encodeState(delta: PageDelta): string {
  const { pageId: _, ...state } = delta;
  return delta.state === 'free' ? '' : JSON.stringify(state);
}

function decodeRecord(page: string, state: string): PageRecord {
  return { blockHash: undefined, ...JSON.parse(state), pageId: Number(page) };
}
