import {
  type DecoderDescription,
  type EmbeddingKey,
  type Request,
  type SchedulerEvent,
  ServingError,
} from '@tessera/domain';
import { FakeEmbeddingStore, FakeEncoderFeed, FakeRankGroup, type FakeRankGroupOptions } from '@tessera/testkit';
import { createScheduler } from '../create-scheduler.js';
import type { Placement } from '../placement.js';
import type { RunningScheduler } from '../running-scheduler.js';
import { defaultSchedulerConfig, type SchedulerConfig } from '../scheduler-config.js';

/** All that a caller sees of one request. */
export interface Seen {
  readonly tokens: number[];
  readonly events: SchedulerEvent[];
  error?: unknown;
}

/** An encoder: what it says, and what it holds. */
export interface WorldEncoder {
  readonly feed: FakeEncoderFeed;
  readonly store: FakeEmbeddingStore;
  readonly ended: Promise<unknown>;
}

export interface WorldOptions {
  readonly description?: Partial<DecoderDescription>;
  readonly config?: Partial<SchedulerConfig>;
  readonly now?: () => number;
  readonly numGroups?: number;
  readonly numEncoders?: number;
  readonly cacheBytes?: number;
}

/** A cell without processes: a scheduler, fake rank groups `group-0`, … and fake encoders `encoder-0`, …. */
export class SchedulerWorld {
  readonly scheduler: RunningScheduler;
  readonly groups: FakeRankGroup[] = [];
  readonly encoders = new Map<string, WorldEncoder>();
  readonly placements: (Omit<Placement, 'loop'> & { readonly groupId: string; readonly sequenceId: string })[] = [];
  /** Every upload that was asked for and made. */
  readonly uploads: { readonly encoderAddress: string; readonly key: EmbeddingKey; readonly ticket: string }[] = [];
  /** Embeddings that could not be staged, and why. */
  readonly stageErrors: string[] = [];
  /** What steps were rejected with, by whichever group. */
  readonly stepErrors: string[] = [];
  readonly #stores = new Map<string, FakeEmbeddingStore>();
  /** What each encoder holds, oldest first, and how much. */
  readonly #held = new Map<string, Map<EmbeddingKey, number>>();
  readonly #options: WorldOptions;
  #numGroups = 0;
  #numEncoders = 0;

  constructor(options: WorldOptions = {}) {
    const { config, now = () => 0, numGroups = 1, numEncoders = 1 } = options;
    this.#options = options;
    this.scheduler = createScheduler(
      {
        now,
        onStageFailed: (groupId, key, { message }) => this.stageErrors.push(`${groupId} ${key}: ${message}`),
        onPlaced: ({ loop, reason, numCachedTokens }, { id }) =>
          this.placements.push({ groupId: loop.groupId, reason, numCachedTokens, sequenceId: id }),
      },
      { ...defaultSchedulerConfig, ...config },
    );
    for (let i = 0; i < numGroups; i++) this.addGroup();
    for (let i = 0; i < numEncoders; i++) this.addEncoder();
  }

  /** The only group of most worlds. */
  get engine(): FakeRankGroup['engine'] {
    return this.groups[0]!.engine;
  }

  /** The only encoder of most worlds. */
  get encoder(): WorldEncoder {
    return this.encoders.get('encoder-0')!;
  }

  addGroup(given: FakeRankGroupOptions = {}): FakeRankGroup {
    const { description } = this.#options;
    const groupId = `group-${this.#numGroups++}`;
    const group = new FakeRankGroup({ groupId, description, stores: this.#stores, ...given });
    const step = group.step.bind(group);
    group.step = (plan) =>
      step(plan).catch((error: Error) => {
        this.stepErrors.push(error.message);
        throw error;
      });
    this.groups.push(group);
    this.scheduler.addGroup(group);
    return group;
  }

  addEncoder(cacheBytes = this.#options.cacheBytes ?? 2 ** 20): WorldEncoder {
    const feed = new FakeEncoderFeed(`encoder-${this.#numEncoders++}`, { cacheBytes });
    const store = new FakeEmbeddingStore();
    this.#stores.set(feed.address, store);
    const ended = this.scheduler.addEncoder(feed, new AbortController().signal).catch((error: unknown) => error);
    const encoder = { feed, store, ended };
    this.encoders.set(feed.address, encoder);
    return encoder;
  }

  /** An encoder holds an embedding of `numTokens` rows; the oldest ones go when its cache is full. */
  hold(key: EmbeddingKey, numTokens = 4, encoder: WorldEncoder = this.encoder): void {
    const { feed, store } = encoder;
    const held = this.#held.get(feed.address) ?? new Map<EmbeddingKey, number>();
    this.#held.set(feed.address, held);
    held.delete(key);
    held.set(key, numTokens);
    const capacityTokens = feed.description.cacheBytes / feed.description.hiddenSize / 4;
    for (const oldest of held.keys()) {
      const sum = [...held.values()].reduce((total, count) => total + count, 0);
      if (sum > capacityTokens) this.evict(oldest, encoder);
    }
    store.put(key, numTokens);
    feed.ready(key);
  }

  evict(key: EmbeddingKey, { feed, store }: WorldEncoder = this.encoder): void {
    this.#held.get(feed.address)?.delete(key);
    store.evict(key);
    feed.evict(key);
  }

  loseGroup(group: FakeRankGroup): void {
    this.groups.splice(this.groups.indexOf(group), 1);
    group.lose();
  }

  loseEncoder({ feed, store }: WorldEncoder): void {
    this.#stores.delete(feed.address);
    this.encoders.delete(feed.address);
    store.failNextFetch(new ServingError('worker_failed', `The encoder ${feed.address} is gone.`));
    feed.lose();
  }

  /** Runs a request to its end. What it is asked for is uploaded, unless `onEvent` returns false. */
  async run(
    request: Request,
    signal: AbortSignal = new AbortController().signal,
    onEvent: (event: SchedulerEvent) => boolean = () => true,
  ): Promise<Seen> {
    const seen: Seen = { tokens: [], events: [] };
    try {
      for await (const event of this.scheduler.generate(request, signal)) {
        seen.events.push(event);
        if (event.kind === 'tokens') seen.tokens.push(...event.tokens.map(({ tokenId }) => tokenId));
        if (onEvent(event) && event.kind === 'encodeHere') this.#upload(request, event);
      }
    } catch (error) {
      seen.error = error;
    }
    return seen;
  }

  /** Everybody who can go on has gone on. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  #upload(
    { segments }: Request,
    { mediaIndex, encoderAddress, ticket }: Extract<SchedulerEvent, { kind: 'encodeHere' }>,
  ): void {
    const visual = segments.find((segment) => segment.kind !== 'text' && segment.mediaIndex === mediaIndex);
    const encoder = this.encoders.get(encoderAddress);
    if (visual?.kind === 'text' || !visual || !encoder) return;
    this.uploads.push({ encoderAddress, key: visual.embeddingKey, ticket });
    this.hold(visual.embeddingKey, visual.length, encoder);
  }
}
