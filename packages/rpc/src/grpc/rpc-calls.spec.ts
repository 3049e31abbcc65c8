import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Client } from '@grpc/grpc-js';
import { ServingError } from '@tessera/domain';
import { DecoderService } from '@tessera/proto/decoder/v1';
import { VisionEncoderService } from '@tessera/proto/encoder/v1';
import { SchedulerService } from '@tessera/proto/scheduler/v1';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { collect } from '../testing/collect.js';
import { createEvent } from '../testing/create-event.js';
import { createCuttableLink } from '../testing/cuttable-link.js';
import { type RpcWorld, rpcWorlds } from '../testing/rpc-world.js';
import { RpcClient } from './rpc-client.js';
import type { RpcServer } from './rpc-server.js';
import { channelCredentials } from './rpc-tls.js';
import { methodDefinition } from './service-definition.js';
import type { ServiceHandlers } from './service-handlers.js';

const { describe: describeCell } = SchedulerService.method;
const { attach, encode, fetch } = VisionEncoderService.method;
const { step } = DecoderService.method;

const refusal = new ServingError('queue_full', '10 requests wait; the limit is 10.', {
  limit: 10,
  retryAfterSeconds: 2,
});
const refuse = async () => {
  throw refusal;
};
const refuseStream = (): AsyncIterable<never> => {
  throw refusal;
};

interface Given {
  readonly scheduler?: Partial<ServiceHandlers<typeof SchedulerService>>;
  readonly encoder?: Partial<ServiceHandlers<typeof VisionEncoderService>>;
  readonly decoder?: Partial<ServiceHandlers<typeof DecoderService>>;
}

/** Services that refuse everything but what is given. */
const serving =
  (given: Given) =>
  (server: RpcServer): void => {
    server.addService(SchedulerService, {
      generate: refuse,
      describe: refuse,
      inspect: refuse,
      ...given.scheduler,
    });
    server.addService(VisionEncoderService, {
      encode: refuse,
      attach: refuseStream,
      fetch: refuseStream,
      ...given.encoder,
    });
    server.addService(DecoderService, { step: refuse, describe: refuse, ...given.decoder });
  };

const update = (key: string) => ({ ready: [key] });

/** A stream of one message that then goes on for ever, and says when its caller is gone. */
function endlessStream(): { handlers: Given['encoder']; readonly freed: Promise<void> } {
  const freed = createEvent();
  return {
    freed: freed.happened,
    handlers: {
      async *attach(_request, signal) {
        yield update('key-1');
        await once(signal, 'abort');
        freed.happen();
      },
    },
  };
}

for (const [name, createWorld] of rpcWorlds) {
  describe(`over ${name}`, () => {
    let world: RpcWorld;
    const clients: RpcClient[] = [];
    const connect = (address: string): RpcClient => {
      const client = new RpcClient({ address, lostReason: 'worker_failed' }, world.tls);
      clients.push(client);
      return client;
    };
    beforeAll(() => {
      world = createWorld();
    });
    afterEach(() => {
      for (const client of clients.splice(0)) client.close();
    });
    afterAll(() => world.close());

    test('an answer comes back', async () => {
      const { address } = await world.serve(serving({ scheduler: { describe: async () => ({ epoch: 3n }) } }));
      await expect(connect(address).unary(describeCell, {}, { deadlineMs: 5000 })).resolves.toMatchObject({
        epoch: 3n,
      });
    });

    for (const [kind, call] of [
      ['unary', (client: RpcClient) => client.unary(describeCell, {}, { deadlineMs: 5000 })],
      ['server streaming', (client: RpcClient) => collect(client.serverStream(attach, {}, {}))],
      ['client streaming', (client: RpcClient) => client.clientStream(encode, [{}, {}], {})],
      ['bidirectional', (client: RpcClient) => collect(client.bidiStream(step, {}).received)],
    ] as const) {
      test(`the error of a ${kind} handler comes with its facts`, async () => {
        const { address } = await world.serve(serving({}));
        await expect(call(connect(address))).rejects.toEqual(refusal);
      });
    }

    test('what came before an error in a stream is read before it', async () => {
      const { address } = await world.serve(
        serving({
          encoder: {
            async *attach() {
              yield update('key-1');
              yield update('key-2');
              throw refusal;
            },
          },
        }),
      );
      const seen: unknown[] = [];
      const reading = (async () => {
        for await (const { ready } of connect(address).serverStream(attach, {}, {})) seen.push(...ready);
      })();
      await expect(reading).rejects.toEqual(refusal);
      expect(seen).toEqual(['key-1', 'key-2']);
    });

    test('a call is taken before there is anything to say', async () => {
      const { address } = await world.serve(
        serving({
          encoder: {
            async *attach(_request, signal) {
              await once(signal, 'abort');
              yield update('key-1');
            },
          },
        }),
      );
      const client = new Client(address, channelCredentials(world.tls));
      const { path, requestSerialize, responseDeserialize } = methodDefinition(attach);
      const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {});
      await once(call, 'metadata');
      call.on('error', () => client.close());
      call.cancel();
    });

    test('a caller that aborts is told so, and the handler is freed', async () => {
      const { handlers, freed } = endlessStream();
      const { address } = await world.serve(serving({ encoder: handlers }));
      const controller = new AbortController();
      const reading = (async () => {
        for await (const _ of connect(address).serverStream(attach, {}, { signal: controller.signal })) {
          controller.abort();
        }
      })();
      await expect(reading).rejects.toMatchObject({ reason: 'cancelled' });
      await freed;
    });

    test('a caller that leaves its loop frees the handler', async () => {
      const { handlers, freed } = endlessStream();
      const { address } = await world.serve(serving({ encoder: handlers }));
      for await (const _ of connect(address).serverStream(attach, {}, {})) break;
      await freed;
    });

    test('a connection cut in the middle of a stream is the loss of the peer, to both ends', async () => {
      const { handlers, freed } = endlessStream();
      const { address } = await world.serve(serving({ encoder: handlers }));
      const link = await createCuttableLink(address);
      const reading = (async () => {
        for await (const _ of connect(link.address).serverStream(attach, {}, {})) link.cut();
      })();
      await expect(reading).rejects.toMatchObject({
        reason: 'worker_failed',
        code: 'UNAVAILABLE',
        facts: { address: link.address },
      });
      await freed;
    });

    test('a server that closes at once is the loss of the peer', async () => {
      const { handlers, freed } = endlessStream();
      const { address, server } = await world.serve(serving({ encoder: handlers }));
      const reading = (async () => {
        for await (const _ of connect(address).serverStream(attach, {}, {})) await server.close(0);
      })();
      await expect(reading).rejects.toMatchObject({ reason: 'worker_failed', facts: { address } });
      await freed;
    });

    test('a server that closes in peace lets its streams end', async () => {
      const ending = createEvent();
      const { address, server } = await world.serve(
        serving({
          encoder: {
            async *attach() {
              yield update('key-1');
              await ending.happened;
              yield update('key-2');
            },
          },
        }),
      );
      const stream = connect(address).serverStream(attach, {}, {});
      await stream.next();
      const closed = server.close(60_000);
      await expect(connect(address).unary(describeCell, {}, { deadlineMs: 5000 })).rejects.toMatchObject({
        reason: 'worker_failed',
      });
      ending.happen();
      expect(await collect(stream)).toMatchObject([update('key-2')]);
      await closed;
    });

    test('a handler that takes longer than the deadline is given up and freed', async () => {
      const freed = createEvent();
      const { address } = await world.serve(
        serving({
          scheduler: {
            describe: async (_request, signal) => {
              await once(signal, 'abort');
              freed.happen();
              return {};
            },
          },
        }),
      );
      await expect(connect(address).unary(describeCell, {}, { deadlineMs: 300 })).rejects.toMatchObject({
        reason: 'worker_failed',
        facts: { address },
      });
      await freed.happened;
    });

    test('a stream that takes longer than the deadline is given up and freed', async () => {
      const { handlers, freed } = endlessStream();
      const { address } = await world.serve(serving({ encoder: handlers }));
      const reading = collect(connect(address).serverStream(attach, {}, { deadlineMs: 300 }));
      await expect(reading).rejects.toMatchObject({ reason: 'worker_failed', facts: { address } });
      await freed;
    });

    test('a handler waits for a slow reader', async () => {
      const numParts = 200;
      const value = new Uint8Array(1024 * 1024);
      const freed = createEvent();
      let numMade = 0;
      const { address } = await world.serve(
        serving({
          encoder: {
            async *fetch() {
              try {
                for (; numMade < numParts; numMade++) yield { part: { case: 'data', value } };
              } finally {
                freed.happen();
              }
            },
          },
        }),
      );
      for await (const _ of connect(address).serverStream(fetch, {}, {})) break;
      await freed.happened;
      expect(numMade).toBeLessThan(numParts);
    });

    test('an upload waits for a slow handler, and ends when it has its answer', async () => {
      const numParts = 800;
      const value = new Uint8Array(256 * 1024);
      let numMade = 0;
      function* parts() {
        for (; numMade < numParts; numMade++) yield { part: { case: 'data' as const, value } };
      }
      const { address } = await world.serve(
        serving({
          encoder: {
            async encode(requests) {
              for await (const _ of requests) throw refusal;
              return {};
            },
          },
        }),
      );
      await expect(connect(address).clientStream(encode, parts(), {})).rejects.toEqual(refusal);
      await setImmediate();
      expect(numMade).toBeLessThan(numParts);
    });

    test('an upload that its caller aborts frees the handler', async () => {
      const freed = createEvent();
      const controller = new AbortController();
      const { address } = await world.serve(
        serving({
          encoder: {
            async encode(_requests, signal) {
              controller.abort();
              await once(signal, 'abort');
              freed.happen();
              return {};
            },
          },
        }),
      );
      const uploading = connect(address).clientStream(encode, [{}], { signal: controller.signal });
      await expect(uploading).rejects.toMatchObject({ reason: 'cancelled' });
      await freed.happened;
    });

    test('both ends of a bidirectional call talk until the handler is done', async () => {
      const { address } = await world.serve(
        serving({
          decoder: {
            async step({ received, send }) {
              for await (const { callId } of received) {
                if (callId === 3n) return;
                await send({ callId: callId * 10n });
              }
            },
          },
        }),
      );
      const { send, received } = connect(address).bidiStream(step, {});
      const answers: bigint[] = [];
      await send({ callId: 1n });
      for await (const { callId } of received) {
        answers.push(callId);
        await send({ callId: BigInt(answers.length + 1) });
      }
      expect(answers).toEqual([10n, 20n]);
    });

    test('a bidirectional call ends on both sides when its caller leaves', async () => {
      const freed = createEvent();
      const { address } = await world.serve(
        serving({
          decoder: {
            async step({ send }, signal) {
              await send({ callId: 1n });
              await once(signal, 'abort');
              freed.happen();
            },
          },
        }),
      );
      for await (const _ of connect(address).bidiStream(step, {}).received) break;
      await freed.happened;
    });
  });
}
