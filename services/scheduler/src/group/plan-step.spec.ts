import { blockHash, EventQueue, type LaneId, laneId, type PageId, type Request, requestId } from '@tessera/domain';
import {
  createRequest,
  createVisualRequest,
  decodeChunk,
  fakeDescription,
  knownChunk,
  pageIds,
} from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { Sequence } from '../sequence.js';
import { GroupState } from './group-state.js';
import { planStep } from './plan-step.js';

const [lane0, lane1, lane2, lane3] = [0, 1, 2, 3].map(laneId) as [LaneId, LaneId, LaneId, LaneId];

describe('planStep', () => {
  let group: GroupState;
  let queue: Sequence[];
  let putBack: string[];
  let numArrivals: number;

  const start = (numPages = 16, maxStepTokens = 8): void => {
    const kvLayout = { ...fakeDescription.kvLayout, numPages };
    group = new GroupState('group', { ...fakeDescription, maxStepTokens, kvLayout });
    queue = [];
    putBack = [];
    numArrivals = 0;
  };
  beforeEach(() => start());

  const create = (promptLen: number, given: Partial<Request> = {}): Sequence => {
    const name = `r${numArrivals}`;
    const tokenIds = Int32Array.from({ length: promptLen }, (_, i) => i);
    const request = createRequest({ requestId: requestId(name), tokenIds, maxTokens: 100, ...given });
    return new Sequence(request, new EventQueue(), numArrivals++);
  };
  const admit = (promptLen: number, given?: Partial<Request>): Sequence => {
    const sequence = create(promptLen, given);
    group.admit(sequence, []);
    return sequence;
  };
  /** One whose prompt is computed and which has sampled `numSampled` tokens. */
  const decoding = (promptLen: number, numSampled = 1, given?: Partial<Request>): Sequence => {
    const sequence = admit(promptLen, given);
    group.extend(sequence, promptLen);
    for (let i = 0; i < numSampled; i++) sequence.accept({ tokenId: 1, outputIndex: i });
    const numComputed = promptLen + numSampled - 1;
    Object.assign(sequence, { numPlanned: numComputed, numComputed, numSampled });
    sequence.residence!.isAdmitted = true;
    return sequence;
  };
  const plan = (computableLen: (sequence: Sequence) => number = () => Number.POSITIVE_INFINITY, only?: Sequence) =>
    planStep(
      group,
      {
        admitNext: () => {
          const next = queue[0];
          if (!next || group.numFreeLanes === 0 || !group.hasRoomFor(next, [])) return undefined;
          queue.shift();
          group.admit(next, []);
          return next;
        },
        putBack: (sequence) => putBack.push(sequence.id),
      },
      computableLen,
      only,
    );
  const chunksOf = (step: ReturnType<typeof plan>) => step?.plan.chunks;

  test('admits a sequence whole with its first chunk, and releases lanes', () => {
    group.releasedLanes = [lane3];
    const sequence = admit(3);
    expect(plan()?.plan).toEqual({
      stepId: 0,
      released: [lane3],
      admitted: [
        {
          sequenceId: 'r0/0/0',
          lane: lane0,
          tokenIds: Int32Array.of(0, 1, 2),
          numPromptTokens: 3,
          positions: sequence.request.positions,
          visuals: [],
          numCached: 0,
          pages: [],
          sampling: sequence.request.sampling,
        },
      ],
      chunks: [knownChunk(lane0, 3, { newPages: pageIds(0) })],
      seals: [],
    });
    expect(plan()?.plan).toMatchObject({ stepId: 1, released: [], admitted: [], chunks: [decodeChunk(lane0)] });
  });

  test('is nothing when there is nothing to do, and a step without chunks when there is only something to release', () => {
    expect(plan()).toBeUndefined();
    group.releasedLanes = [lane1];
    expect(plan()?.plan).toEqual({ stepId: 0, released: [lane1], admitted: [], chunks: [], seals: [] });
    expect(plan()).toBeUndefined();
  });

  test('admits resumed tokens behind the prompt, and computes them with it', () => {
    admit(2, { resumeTokens: [8, 9] });
    expect(plan()?.plan).toMatchObject({
      admitted: [{ tokenIds: Int32Array.of(0, 1, 8, 9), numPromptTokens: 2 }],
      chunks: [knownChunk(lane0, 4, { newPages: pageIds(0) })],
    });
  });

  test('puts those that decode before prompts, each kind in order of arrival, and newcomers last', () => {
    queue.push(create(1));
    admit(2);
    decoding(3);
    decoding(3);
    const step = plan();
    expect(chunksOf(step)).toEqual([
      decodeChunk(lane1),
      decodeChunk(lane2),
      knownChunk(lane0, 2, { newPages: pageIds(2) }),
      knownChunk(lane3, 1, { newPages: pageIds(3) }),
    ]);
  });

  test('cuts the prompt that no longer fits, does not sample it, and leaves out the rest', () => {
    decoding(3);
    admit(4);
    admit(6);
    admit(2);
    expect(chunksOf(plan())).toEqual([
      decodeChunk(lane0),
      knownChunk(lane1, 4, { newPages: pageIds(1) }),
      knownChunk(lane2, 3, { newPages: pageIds(2), samples: false }),
    ]);
    expect(chunksOf(plan())).toEqual([
      decodeChunk(lane0, { newPages: pageIds(3) }),
      decodeChunk(lane1, { newPages: pageIds(4) }),
      knownChunk(lane2, 3, { newPages: pageIds(5) }),
      knownChunk(lane3, 2, { newPages: pageIds(6) }),
    ]);
  });

  test('gives no row to one whose last token is on its way', () => {
    decoding(3, 3, { maxTokens: 4 });
    expect(chunksOf(plan())).toEqual([decodeChunk(lane0, { newPages: pageIds(1) })]);
    expect(plan()).toBeUndefined();
  });

  test('goes on with a token that is on its way, and counts a page for it', () => {
    decoding(3);
    const newPages = [plan(), plan(), plan()].map((step) => chunksOf(step)?.map((chunk) => chunk.newPages));
    expect(newPages).toEqual([[[]], [pageIds(1)], [[]]]);
  });

  test('lets those take turns that decode, when there are more than rows', () => {
    start(16, 2);
    for (let i = 0; i < 3; i++) decoding(2);
    const turns = [plan(), plan(), plan()].map((step) => chunksOf(step)?.map(({ lane }) => lane));
    expect(turns).toEqual([
      [lane0, lane1],
      [lane2, lane0],
      [lane1, lane2],
    ]);
  });

  test('says where the rows of each visual go that is not cached', () => {
    const sequence = new Sequence(createVisualRequest(['cat', 'dog']), new EventQueue(), 0);
    const pages = group.pages.allocate(2) as PageId[];
    group.admit(sequence, pages);
    expect(plan()?.plan.admitted).toMatchObject([
      { numCached: 8, pages, visuals: [{ embeddingKey: 'dog', offset: 7, length: 4 }] },
    ]);
  });

  test('ends a chunk before an image that is not staged, and computes none when that is first', () => {
    const sequence = new Sequence(createVisualRequest(['cat', 'dog']), new EventQueue(), 0);
    group.admit(sequence, []);
    const lens = [2, 7, Number.POSITIVE_INFINITY].map((len) => chunksOf(plan(() => len)));
    expect(lens).toEqual([
      [knownChunk(lane0, 2, { newPages: pageIds(0), samples: false })],
      [knownChunk(lane0, 5, { newPages: pageIds(1), samples: false })],
      [knownChunk(lane0, 5, { newPages: pageIds(2) })],
    ]);
    start();
    group.admit(new Sequence(createVisualRequest(['cat']), new EventQueue(), 0), []);
    expect(plan(() => 0)).toBeUndefined();
  });

  test('lets everybody else wait for the one that runs alone', () => {
    decoding(3);
    const suspect = admit(2);
    queue.push(create(1));
    expect(chunksOf(plan(undefined, suspect))).toEqual([knownChunk(lane1, 2, { newPages: pageIds(1) })]);
    expect(queue).toHaveLength(1);
  });

  describe('when the pool runs out', () => {
    test('takes the pages of the last by rank and arrival who is not in the plan, and computes it again later', () => {
      start(4);
      const first = decoding(4);
      decoding(3);
      const last = decoding(7);
      expect(group.pages.numFree).toBe(0);
      const step = plan();
      expect(putBack).toEqual([last.id]);
      expect(last).toMatchObject({ residence: undefined, numPlanned: 0, numTokensToPlan: 8 });
      // The pages of the last are 2 and 3: what was given out last is used first.
      expect(step?.plan).toMatchObject({
        released: [lane2],
        chunks: [decodeChunk(lane0, { newPages: pageIds(2) }), decodeChunk(lane1)],
      });
      expect(first.residence?.pages).toEqual(pageIds(0, 2));
    });

    test('takes those of batch requests first, whenever they came', () => {
      start(3);
      const batch = decoding(4, 1, { class: 'batch' });
      decoding(4);
      decoding(4);
      plan();
      expect(putBack[0]).toBe(batch.id);
    });

    test('takes its own from the last one itself', () => {
      start(2);
      decoding(3);
      const last = decoding(4);
      expect(chunksOf(plan())).toEqual([decodeChunk(lane0)]);
      expect(putBack).toEqual([last.id]);
    });

    test('takes none from whoever is in the plan already', () => {
      start(3, 8);
      for (let i = 0; i < 3; i++) decoding(4);
      expect(chunksOf(plan())?.map(({ lane }) => lane)).toEqual([lane0]);
      expect(putBack).toEqual(['r2/0/0', 'r1/0/0']);
    });

    test('releases the lane of one that the ranks know, and of no other', () => {
      start(2);
      decoding(4);
      admit(4);
      const step = plan();
      expect(step?.plan).toMatchObject({ admitted: [], released: [], chunks: [{ lane: lane0 }] });
    });
  });

  test('sends seals once, and none of a page that was given to new content since', () => {
    start(2);
    const sequence = decoding(7);
    group.publish(sequence.residence!.pages[0]!, blockHash('a'.repeat(64)));
    group.publish(sequence.residence!.pages[1]!, blockHash('b'.repeat(64)));
    group.leave(sequence);
    admit(3);
    const step = plan();
    // The last page of a sequence is evicted first.
    expect(step?.plan).toMatchObject({ chunks: [{ newPages: pageIds(1) }], seals: [{ pageId: 0, generation: 1 }] });
    expect(plan()?.plan.seals).toEqual([]);
  });

  test('sends no seal of a page that nobody is to find any more', () => {
    const { residence } = decoding(7);
    group.publish(residence!.pages[0]!, blockHash('a'.repeat(64)));
    group.pages.unpublish(residence!.pages[0]!, blockHash('a'.repeat(64)));
    expect(plan()?.plan.seals).toEqual([]);
  });
});
