import { EventEmitter, once } from 'node:events';
import { type PageRecord, pageId, sequenceId } from '@tessera/domain';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryPageDirectory } from './memory-page-directory.js';
import type { PageBatch, PageDelta } from './page-directory.js';
import { createWriteBehind, type GroupSnapshot, type WriteBehind, type WriteBehindOptions } from './write-behind.js';

/** A directory in memory that can be away, be slow, and come back. */
class UnreliableDirectory extends MemoryPageDirectory {
  isAway = false;
  readonly written: PageBatch[] = [];
  numAttempts = 0;
  #held: Promise<void> = Promise.resolve();
  #listener: () => void = () => {};

  hold(): () => void {
    const { promise, resolve } = withResolvers();
    this.#held = promise;
    return resolve;
  }

  comeBack(): void {
    this.isAway = false;
    this.#listener();
  }

  override async open(epoch: number): Promise<void> {
    await this.#reach();
    await super.open(epoch);
  }

  override async write(batch: PageBatch): Promise<'written' | 'repeated' | 'lost'> {
    await this.#reach();
    this.written.push(batch);
    return super.write(batch);
  }

  override async clear(epoch: number, groupId: string): Promise<void> {
    await this.#reach();
    await super.clear(epoch, groupId);
  }

  override onReturn(listener?: () => void): () => void {
    this.#listener = listener ?? (() => {});
    return () => {
      this.#listener = () => {};
    };
  }

  async #reach(): Promise<void> {
    this.numAttempts++;
    await this.#held;
    if (this.isAway) throw new Error('away');
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function owned(page: number, sequence = 's1'): PageRecord {
  return {
    pageId: pageId(page),
    state: 'owned',
    blockHash: undefined,
    sequenceIds: [sequenceId(sequence)],
    generation: 1,
  };
}

function free(page: number): PageDelta {
  return { pageId: pageId(page), state: 'free' };
}

describe('createWriteBehind', () => {
  let directory: UnreliableDirectory;
  let groups: Map<string, GroupSnapshot>;
  let states: string[];
  let changes: EventEmitter;
  const writers: WriteBehind[] = [];

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    directory = new UnreliableDirectory();
    groups = new Map([['g0', { stepId: 0, pages: [] }]]);
    states = [];
    changes = new EventEmitter();
  });
  afterEach(async () => {
    for (const writer of writers.splice(0)) await writer.close();
    vi.useRealTimers();
  });

  const create = (options: Partial<WriteBehindOptions> = {}): WriteBehind => {
    const writer = createWriteBehind(directory, {
      epoch: 1,
      snapshot: (groupId) => groups.get(groupId),
      onState: (state, cause) => {
        states.push(cause ? `${state}: ${cause.message}` : state);
        changes.emit(state);
      },
      ...options,
    });
    writers.push(writer);
    return writer;
  };
  const createSettled = async (options?: Partial<WriteBehindOptions>): Promise<WriteBehind> => {
    const writer = create(options);
    writer.push('g0', 0, []);
    await writer.settled();
    directory.written.splice(0);
    return writer;
  };
  const pagesOf = async (groupId = 'g0'): Promise<readonly PageRecord[] | undefined> =>
    (await directory.read(groupId))?.pages;
  const pushInVain = async (writer: WriteBehind): Promise<void> => {
    directory.isAway = true;
    writer.push('g0', 1, [owned(1)]);
    await once(changes, 'behind');
  };

  test('opens the directory before there is a group, so that an older leader is refused', async () => {
    const writer = create();
    expect(writer.state).toBe('rebuilding');
    await writer.settled();
    expect(writer.state).toBe('writing');
    await expect(directory.open(0)).rejects.toMatchObject({ reason: 'epoch_refused' });
  });

  test('describes a group whole at its first push, from the snapshot', async () => {
    groups.set('g0', { stepId: 4, pages: [owned(1), owned(2)] });
    const writer = create();
    writer.push('g0', 4, [owned(2)]);
    await writer.settled();
    expect(await directory.read('g0')).toMatchObject({ stepId: 4, pages: [owned(1), owned(2)] });
    expect(directory.written).toMatchObject([{ isWhole: true, batchId: 1 }]);
  });

  test('then writes what changes, and only that', async () => {
    const writer = await createSettled();
    writer.push('g0', 1, [owned(1), owned(2)]);
    await writer.settled();
    writer.push('g0', 2, [free(1)]);
    await writer.settled();
    expect(directory.written).toMatchObject([
      { isWhole: false, stepId: 1, deltas: [owned(1), owned(2)] },
      { isWhole: false, stepId: 2, deltas: [free(1)] },
    ]);
    expect(await directory.read('g0')).toMatchObject({ stepId: 2, pages: [owned(2)] });
  });

  test('has one write on its way, and of what waits for it writes the newest state of a page', async () => {
    const writer = await createSettled();
    const letGo = directory.hold();
    writer.push('g0', 1, [owned(1)]);
    for (let step = 2; step <= 100; step++) writer.push('g0', step, [owned(1, `s${step}`), owned(2)]);
    letGo();
    await writer.settled();
    expect(directory.written).toMatchObject([
      { stepId: 1, deltas: [owned(1)] },
      { stepId: 100, deltas: [owned(1, 's100'), owned(2)] },
    ]);
  });

  test('splits what is much, and names the step with the last part', async () => {
    groups.set('g0', { stepId: 9, pages: [0, 1, 2, 3, 4].map((page) => owned(page)) });
    const writer = create({ maxBatchPages: 2 });
    writer.push('g0', 9, []);
    await writer.settled();
    expect(directory.written.map(({ stepId, isWhole, deltas }) => [stepId, isWhole, deltas.length])).toEqual([
      [undefined, true, 2],
      [undefined, false, 2],
      [9, false, 1],
    ]);
    expect(await pagesOf()).toHaveLength(5);
  });

  test('takes turns between groups', async () => {
    const pages = [0, 1, 2, 3].map((page) => owned(page));
    groups.set('g0', { stepId: 0, pages }).set('g1', { stepId: 0, pages });
    const writer = create({ maxBatchPages: 2 });
    for (const groupId of ['g0', 'g1']) writer.push(groupId, 0, []);
    await writer.settled();
    expect(directory.written.map(({ groupId }) => groupId)).toEqual(['g0', 'g1', 'g0', 'g1']);
    expect(directory.written.map(({ batchId }) => batchId)).toEqual([1, 2, 3, 4]);
  });

  test('drops a group that is cleared, and describes it whole when it comes back', async () => {
    const writer = await createSettled();
    writer.push('g0', 1, [owned(1)]);
    writer.clear('g0');
    await writer.settled();
    expect(await directory.groups()).toEqual([]);
    groups.set('g0', { stepId: 0, pages: [owned(5)] });
    writer.push('g0', 0, []);
    await writer.settled();
    expect(await pagesOf()).toEqual([owned(5)]);
  });

  test('does not describe a group that is cleared before its turn', async () => {
    const writer = create();
    writer.push('g0', 0, []);
    writer.clear('g0');
    await writer.settled();
    expect(directory.written).toEqual([]);
    expect(await directory.groups()).toEqual([]);
  });

  test('clears before it describes anew, even when both were asked for while the directory was away', async () => {
    const writer = await createSettled();
    await pushInVain(writer);
    writer.clear('g0');
    groups.set('g0', { stepId: 0, pages: [owned(5)] });
    writer.push('g0', 0, []);
    directory.comeBack();
    await writer.settled();
    expect(await pagesOf()).toEqual([owned(5)]);
  });

  test('says nothing of a group that is no more when its turn comes', async () => {
    const writer = create();
    writer.push('gone', 1, [owned(1)]);
    await writer.settled();
    expect(await directory.groups()).toEqual([]);
    expect(writer.state).toBe('writing');
  });

  describe('while the directory is away', () => {
    test('is behind, says so once, and tries again after a while', async () => {
      const writer = await createSettled({ retryMs: 500 });
      await pushInVain(writer);
      expect(writer.state).toBe('behind');
      const { numAttempts } = directory;
      await vi.advanceTimersByTimeAsync(499);
      expect(directory.numAttempts).toBe(numAttempts);
      await vi.advanceTimersByTimeAsync(1);
      expect(directory.numAttempts).toBe(numAttempts + 1);
      await vi.advanceTimersByTimeAsync(5000);
      expect(directory.numAttempts).toBe(numAttempts + 11);
      expect(states).toEqual(['writing', 'behind: away']);
    });

    test('describes every group anew from the snapshot, whatever was pushed, when it is back', async () => {
      groups.set('g1', { stepId: 0, pages: [] });
      const writer = await createSettled();
      writer.push('g1', 0, [owned(7)]);
      await writer.settled();
      directory.written.splice(0);
      await pushInVain(writer);
      for (let step = 2; step < 50; step++) writer.push('g0', step, [owned(step)]);
      groups.set('g0', { stepId: 50, pages: [owned(3)] }).set('g1', { stepId: 6, pages: [owned(8)] });
      directory.isAway = false;
      await vi.advanceTimersByTimeAsync(1000);
      await writer.settled();
      expect(directory.written).toMatchObject([
        { groupId: 'g0', isWhole: true, stepId: 50, deltas: [owned(3)] },
        { groupId: 'g1', isWhole: true, stepId: 6, deltas: [owned(8)] },
      ]);
      expect(states).toEqual(['writing', 'behind: away', 'rebuilding', 'writing']);
    });

    test('does not wait when the directory says that it is back', async () => {
      const writer = await createSettled({ retryMs: 1e9 });
      await pushInVain(writer);
      directory.comeBack();
      await writer.settled();
      expect(writer.state).toBe('writing');
    });

    test('writes again after its listener threw', async () => {
      const writer = await createSettled({
        onState: (state) => {
          if (state === 'behind') throw new Error('a bug');
        },
      });
      directory.isAway = true;
      writer.push('g0', 1, [owned(1)]);
      await expect(writer.settled()).rejects.toThrow('a bug');
      groups.set('g0', { stepId: 2, pages: [owned(2)] });
      directory.isAway = false;
      writer.push('g0', 2, [owned(2)]);
      await writer.settled();
      expect(await pagesOf()).toEqual([owned(2)]);
    });

    test('can be closed', async () => {
      const writer = await createSettled();
      await pushInVain(writer);
      expect(vi.getTimerCount()).toBe(1);
      await writer.close();
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  test('describes every group anew when the directory came back empty, though nothing changed', async () => {
    const writer = await createSettled();
    groups.set('g0', { stepId: 3, pages: [owned(1)] });
    await directory.clear(1, 'g0');
    directory.comeBack();
    await writer.settled();
    expect(await pagesOf()).toEqual([owned(1)]);
    expect(states).toEqual(['writing', 'rebuilding', 'writing']);
  });

  test('describes every group anew when the directory has lost one without saying so', async () => {
    const writer = await createSettled();
    await directory.clear(1, 'g0');
    groups.set('g0', { stepId: 1, pages: [owned(1), owned(2)] });
    writer.push('g0', 1, [owned(2)]);
    await writer.settled();
    expect(await pagesOf()).toEqual([owned(1), owned(2)]);
    expect(writer.state).toBe('writing');
  });

  test('writes nothing any more when a newer epoch is open', async () => {
    const writer = await createSettled();
    await directory.open(2);
    writer.push('g0', 1, [owned(1)]);
    await writer.settled();
    expect(writer.state).toBe('refused');
    expect(states.at(-1)).toContain('refused: Epoch 1 may not write');
    const { numAttempts } = directory;
    writer.push('g0', 2, [owned(2)]);
    writer.clear('g0');
    directory.comeBack();
    await writer.settled();
    expect(directory.numAttempts).toBe(numAttempts);
    expect(await pagesOf()).toEqual([]);
  });

  describe('in a higher epoch', () => {
    test('describes every group anew', async () => {
      const writer = await createSettled();
      groups.set('g0', { stepId: 3, pages: [owned(1)] });
      writer.raiseEpoch(2);
      await writer.settled();
      expect(await directory.read('g0')).toMatchObject({ epoch: 2, pages: [owned(1)] });
      expect(states).toEqual(['writing', 'rebuilding', 'writing']);
    });

    test('writes again though it was refused before, also groups that came and went meanwhile', async () => {
      groups.set('g1', { stepId: 0, pages: [owned(2)] }).set('g2', { stepId: 0, pages: [owned(3)] });
      const writer = await createSettled();
      writer.push('g1', 0, []);
      await writer.settled();
      await directory.open(5);
      writer.push('g0', 1, [owned(1)]);
      await writer.settled();
      writer.push('g2', 0, []);
      writer.clear('g1');
      expect(writer.state).toBe('refused');
      writer.raiseEpoch(6);
      await writer.settled();
      expect(writer.state).toBe('writing');
      expect(await directory.groups()).toEqual(['g0', 'g2']);
      expect(await directory.read('g2')).toMatchObject({ epoch: 6, pages: [owned(3)] });
    });

    test('is not refused for a write of the one before', async () => {
      const writer = await createSettled();
      const letGo = directory.hold();
      writer.push('g0', 1, [owned(1)]);
      await MemoryPageDirectory.prototype.open.call(directory, 2);
      writer.raiseEpoch(3);
      letGo();
      await once(changes, 'behind');
      await vi.advanceTimersByTimeAsync(1000);
      await writer.settled();
      expect(writer.state).toBe('writing');
      expect(await directory.read('g0')).toMatchObject({ epoch: 3 });
    });

    test('goes up only', async () => {
      const writer = await createSettled();
      expect(() => writer.raiseEpoch(1)).toThrow('epoch 1 does not follow epoch 1');
    });
  });

  test('finishes the write on its way when it is closed, and begins none', async () => {
    const writer = await createSettled();
    const letGo = directory.hold();
    writer.push('g0', 1, [owned(1)]);
    writer.push('g0', 2, [owned(2)]);
    const closed = writer.close();
    writer.push('g0', 3, [owned(3)]);
    letGo();
    await closed;
    expect(await pagesOf()).toEqual([owned(1)]);
  });
});
