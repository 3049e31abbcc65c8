import { once } from 'node:events';
import {
  blockHash,
  type CellDescription,
  type CellInspection,
  type CellInspector,
  pageId,
  type Request,
  requestId,
  type Scheduler,
  type SchedulerEvent,
  ServingError,
  sequenceId,
} from '@tessera/domain';
import * as wire from '@tessera/proto/scheduler/v1';
import { createRequest, createVisualRequest } from '@tessera/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { bytesOf } from '../convert/number-bytes.js';
import { RpcClient } from '../grpc/rpc-client.js';
import { collect } from '../testing/collect.js';
import { createEvent } from '../testing/create-event.js';
import { createCuttableLink } from '../testing/cuttable-link.js';
import { type RpcWorld, rpcWorlds } from '../testing/rpc-world.js';
import { connectScheduler, type RemoteScheduler } from './connect-scheduler.js';
import { serveScheduler } from './serve-scheduler.js';

const never = new AbortController().signal;

const events: SchedulerEvent[] = [
  { kind: 'encodeHere', mediaIndex: 0, encoderAddress: 'encoder:7000', ticket: 'ticket-1' },
  { kind: 'started', numCachedTokens: 16 },
  { kind: 'tokens', tokens: [{ tokenId: 5, outputIndex: 0 }] },
  {
    kind: 'tokens',
    tokens: [{ tokenId: 6, outputIndex: 1, logprob: -0.5, topLogprobs: [{ tokenId: 6, logprob: -0.5 }] }],
  },
  { kind: 'finished', reason: 'stop', usage: { numPromptTokens: 7, numCachedTokens: 0, numOutputTokens: 2 } },
];

const description: CellDescription = {
  isLeader: true,
  isReady: true,
  waitingFor: '',
  epoch: 4,
  model: { revision: 'revision', maxContextLen: 4096, pageLen: 16, maxVisualTokens: 1024 },
};

const seal = { pageId: pageId(3), blockHash: blockHash('ab'.repeat(32)), generation: 2 };
const inspection: CellInspection = {
  epoch: 4,
  numWaiting: 1,
  numRunning: 2,
  groups: [
    {
      groupId: 'group-0',
      numPages: 11,
      pages: [{ ...seal, state: 'owned', sequenceIds: [sequenceId('sequence-1')] }],
      seals: [
        { rank: 0, seals: [seal] },
        { rank: 1, seals: [] },
      ],
    },
  ],
};

/** A scheduler that runs nothing, but for what is given. */
const scripted = (given: Partial<Scheduler & CellInspector>): Scheduler & CellInspector => ({
  async *generate() {},
  describe: async () => description,
  inspect: async () => inspection,
  ...given,
});

for (const [name, createWorld] of rpcWorlds) {
  describe(`a scheduler over ${name}`, () => {
    let world: RpcWorld;
    const remotes: RemoteScheduler[] = [];
    const connect = (address: string): RemoteScheduler => {
      const remote = connectScheduler(address, { tls: world.tls });
      remotes.push(remote);
      return remote;
    };
    const serve = (given: Partial<Scheduler & CellInspector>) =>
      world.serve((server) => serveScheduler(server, scripted(given)));
    beforeAll(() => {
      world = createWorld();
    });
    afterEach(() => {
      for (const remote of remotes.splice(0)) remote.close();
    });
    afterAll(() => world.close());

    test('gets the request and sends its events in order', async () => {
      const got: Request[] = [];
      const { address } = await serve({
        async *generate(request) {
          got.push(request);
          yield* events;
        },
      });
      const request = createVisualRequest(['picture'], { resumeTokens: [5], deadlineMs: 1e12 });
      expect(await collect(connect(address).generate(request, never))).toEqual(events);
      expect(got).toEqual([request]);
    });

    test('gets a prompt of 40 MB whole', { timeout: 60_000 }, async () => {
      const tokenIds = new Int32Array(2_500_000).map((_, index) => index);
      const got: Request[] = [];
      const { address } = await serve({
        async *generate(request) {
          got.push(request);
          yield* events;
        },
      });
      const request = createRequest({ tokenIds });
      await collect(connect(address).generate(request, never));
      for (const axis of ['temporal', 'height', 'width'] as const) {
        expect(Buffer.compare(bytesOf(got[0]!.positions[axis]), bytesOf(request.positions[axis]))).toBe(0);
      }
      expect(Buffer.compare(bytesOf(got[0]!.tokenIds), bytesOf(tokenIds))).toBe(0);
    });

    test('is described and inspected', async () => {
      const { address } = await serve({});
      await expect(connect(address).describe()).resolves.toEqual(description);
      await expect(connect(address).inspect()).resolves.toEqual(inspection);
    });

    test('refuses with its own reason and facts', async () => {
      const refusal = new ServingError('not_leader', 'scheduler-2 leads.', { leader: 'scheduler-2' });
      const { address } = await serve({
        generate: () => {
          throw refusal;
        },
      });
      await expect(collect(connect(address).generate(createRequest(), never))).rejects.toEqual(refusal);
    });

    test('reports what nobody meant to throw', async () => {
      const bug = new TypeError('not a function');
      const generate = () => {
        throw bug;
      };
      const report = vi.fn();
      const { address } = await world.serve((server) => serveScheduler({ ...server, report }, scripted({ generate })));
      await expect(collect(connect(address).generate(createRequest(), never))).rejects.toMatchObject({
        reason: 'internal',
        message: bug.message,
      });
      expect(report.mock.calls).toEqual([[bug, 'tessera.scheduler.v1.SchedulerService/Generate']]);
    });

    test('frees a request that is cancelled in the middle', async () => {
      const freed = createEvent();
      const { address } = await serve({
        async *generate(_request, signal) {
          yield events[1]!;
          await once(signal, 'abort');
          freed.happen();
        },
      });
      const controller = new AbortController();
      const reading = (async () => {
        for await (const _ of connect(address).generate(createRequest(), controller.signal)) controller.abort();
      })();
      await expect(reading).rejects.toMatchObject({ reason: 'cancelled' });
      await freed.happened;
    });

    test('fails a request whose events end before it is finished', async () => {
      const { address } = await serve({
        async *generate() {
          yield* events.slice(0, 3);
        },
      });
      await expect(collect(connect(address).generate(createRequest(), never))).rejects.toMatchObject({
        reason: 'internal',
        message: 'a request ended before it was finished',
      });
    });

    describe('that gets many requests at once', () => {
      /** Runs each until it is let go, to the end that is given for it. */
      const createGates = () => {
        const gates = new Map<string, (error?: Error) => void>();
        const ended: string[] = [];
        const generate: Scheduler['generate'] = async function* ({ requestId }, signal) {
          yield events[1]!;
          try {
            await new Promise<void>((resolve, reject) => {
              gates.set(requestId, (error) => (error ? reject(error) : resolve()));
              signal.addEventListener('abort', () => resolve());
            });
            yield* events.slice(2);
          } finally {
            ended.push(requestId);
          }
        };
        return { gates, ended, generate };
      };
      const named = (name: string) => createRequest({ requestId: requestId(name) });
      const names = Array.from({ length: 40 }, (_, index) => `request-${index}`);

      test('runs all over one stream, and what befalls one befalls no other', async () => {
        const { gates, ended, generate } = createGates();
        const warnings: Error[] = [];
        const onWarning = (warning: Error) => void warnings.push(warning);
        process.on('warning', onWarning);
        const calls = vi.spyOn(RpcClient.prototype, 'bidiStream');
        const remote = connect((await serve({ generate })).address);
        const leaving = new AbortController();
        const outcomes = names.map((name, index) =>
          collect(remote.generate(named(name), (index === 7 ? leaving : new AbortController()).signal)),
        );
        await vi.waitFor(() => expect(gates.size).toBe(names.length), { interval: 1 });
        leaving.abort();
        await expect(outcomes[7]).rejects.toMatchObject({ reason: 'cancelled' });
        await vi.waitFor(() => expect(ended).toEqual(['request-7']), { interval: 1 });
        gates.get('request-3')!(new ServingError('quarantined', 'No.'));
        await expect(outcomes[3]).rejects.toMatchObject({ reason: 'quarantined', message: 'No.' });
        for (const letGo of gates.values()) letGo();
        const others = outcomes.filter((_, index) => index !== 7 && index !== 3);
        expect(await Promise.all(others)).toEqual(others.map(() => events.slice(1)));
        expect(calls).toHaveBeenCalledTimes(1);
        calls.mockRestore();
        process.off('warning', onWarning);
        expect(warnings).toEqual([]);
      });

      test('takes no other along with one whose events cannot be read', async () => {
        const finished = { case: 'finished', value: { reason: wire.FinishReason.STOP } } as const;
        const { address } = await world.serve((server) =>
          server.addService(wire.SchedulerService, {
            describe: async () => ({}),
            inspect: async () => ({}),
            async generate({ send, received }) {
              const callIds: bigint[] = [];
              for await (const { callId } of received) {
                callIds.push(callId);
                if (callIds.length < 2) continue;
                const [odd, other] = callIds;
                await send({ events: [{ callId: odd! }, { callId: other!, event: finished }] });
              }
            },
          }),
        );
        const remote = connect(address);
        const [odd, other] = ['odd', 'other'].map((name) =>
          collect(remote.generate(named(name), new AbortController().signal)),
        );
        await expect(odd).rejects.toMatchObject({ reason: 'invalid_field', facts: { field: 'event' } });
        await expect(other).resolves.toMatchObject([{ kind: 'finished', reason: 'stop' }]);
      });

      test('takes no other along with one that is too large to be sent', { timeout: 60_000 }, async () => {
        const { gates, generate } = createGates();
        const remote = connect((await serve({ generate })).address);
        const other = collect(remote.generate(named('other'), never));
        const tokenIds = new Int32Array(5_000_000).fill(150_000);
        const tooLarge = remote.generate(createRequest({ tokenIds }), never);
        await expect(collect(tooLarge)).rejects.toMatchObject({ reason: 'invalid_field', facts: { field: 'request' } });
        await vi.waitFor(() => gates.get('other')!(), { interval: 1 });
        await expect(other).resolves.toEqual(events.slice(1));
      });

      test('gets one that comes after the last over another stream', async () => {
        const { address } = await serve({
          async *generate() {
            yield* events;
          },
        });
        const remote = connect(address);
        for (let round = 0; round < 3; round++) {
          expect(await collect(remote.generate(createRequest(), never))).toEqual(events);
        }
      });

      test('frees all of them when their caller is gone', async () => {
        const { gates, ended, generate } = createGates();
        const onError = vi.fn();
        const serving = world.serve((server) => serveScheduler(server, scripted({ generate })), onError);
        const link = await createCuttableLink((await serving).address);
        const remote = connect(link.address);
        const outcomes = names.map((name) => collect(remote.generate(named(name), new AbortController().signal)));
        await vi.waitFor(() => expect(gates.size).toBe(names.length), { interval: 1 });
        link.cut();
        const settled = await Promise.allSettled(outcomes);
        const reasons = settled.map((outcome) => outcome.status === 'rejected' && outcome.reason.reason);
        expect(new Set(reasons)).toEqual(new Set(['not_ready']));
        await vi.waitFor(() => expect(ended).toHaveLength(names.length), { interval: 1 });
        expect(onError).not.toHaveBeenCalled();
      });
    });

    test('is not ready, so that the request is submitted again, when it dies in the middle', async () => {
      const { address } = await serve({
        async *generate(_request, signal) {
          yield* events.slice(0, 3);
          await once(signal, 'abort');
        },
      });
      const link = await createCuttableLink(address);
      const seen: SchedulerEvent[] = [];
      const reading = (async () => {
        for await (const event of connect(link.address).generate(createRequest(), never)) {
          seen.push(event);
          if (seen.length === 3) link.cut();
        }
      })();
      const lost = { code: 'UNAVAILABLE', reason: 'not_ready', facts: { address: link.address } };
      await expect(reading).rejects.toMatchObject(lost);
      expect(seen).toEqual(events.slice(0, 3));
      await expect(connect(link.address).describe()).rejects.toMatchObject(lost);
      await expect(collect(connect(link.address).generate(createRequest(), never))).rejects.toMatchObject(lost);
    });
  });
}
