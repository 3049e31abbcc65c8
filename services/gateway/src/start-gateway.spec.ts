import { fileURLToPath } from 'node:url';
import { createMemoryBus, type MemberKind, MemoryHub } from '@tessera/bus';
import { type CellDescription, ServingError } from '@tessera/domain';
import { createRpcServer, type RpcServer, serveScheduler, serveVisionEncoder } from '@tessera/rpc';
import { createLogger, loadConfig, type ProcessContext } from '@tessera/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { gatewayServerConfigSchema } from './server-config.js';
import { startGateway } from './start-gateway.js';
import { drawPicture } from './testing/pictures.js';
import { RecordingEncoder } from './testing/recording-encoder.js';
import { type Script, ScriptedScheduler, sampled, say, untilAborted } from './testing/scripted-scheduler.js';
import { type JsonValue, picture, question } from './testing/tiny-gateway.js';
import { tinyProcessor } from './testing/tiny-processor.js';

const model = fileURLToPath(new URL('../../../models/tessera-tiny', import.meta.url));
const { tokenizer, generation } = tinyProcessor;
const answer = [...tokenizer.encodeText('a red circle'), generation.eosTokenIds[0]!];

/** What the test started, last first. */
const closers: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const context: ProcessContext = {
  signal: new AbortController().signal,
  onShutdown: (_name, close) => void closers.push(close),
};
const logger = createLogger({ name: 'gateway', stream: { write: () => {} }, isPretty: false });

async function startGatewayOn(hub: MemoryHub | undefined, options: object = {}) {
  const config = loadConfig(gatewayServerConfigSchema, { env: {}, overrides: { model, port: 0, ...options } });
  const bus = hub && createMemoryBus(hub);
  const { url, modelId } = await startGateway(config, { logger, context, bus, processor: tinyProcessor });
  const ask = async (body: object) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) });
    const retryAfter = response.headers.get('retry-after');
    return { status: response.status, retryAfter, body: (await response.json()) as JsonValue };
  };
  return { url, modelId, ask };
}

/** A process of the cell, at its address: its server on the loopback, announced on the bus. */
async function startMember(hub: MemoryHub | undefined, kind: MemberKind, server: RpcServer): Promise<string> {
  const address = await server.listen('127.0.0.1:0');
  closers.push(() => server.close(0));
  if (hub !== undefined) {
    const bus = createMemoryBus(hub);
    await bus.announce({ kind, id: address, address, incarnation: address, facts: {} });
    closers.push(() => bus.close());
  }
  return address;
}

async function startScheduler(
  hub: MemoryHub | undefined,
  script: Script,
  encoder: RecordingEncoder,
  description: Partial<CellDescription> = {},
) {
  const scheduler = new ScriptedScheduler(script, encoder);
  scheduler.description = { ...scheduler.description, ...description };
  const server = createRpcServer();
  serveScheduler(server, scheduler);
  return { scheduler, address: await startMember(hub, 'scheduler', server) };
}

describe('a gateway process', () => {
  it('listens before there is a cell, and serves the one that comes', async () => {
    const hub = new MemoryHub();
    const { url, modelId, ask } = await startGatewayOn(hub);
    const ready = async () => {
      const response = await fetch(`${url}/health/ready`);
      return [response.status, ((await response.json()) as JsonValue).reason];
    };
    expect(await ready()).toEqual([503, 'waiting for a scheduler']);
    expect(hub.members('gateway').value).toMatchObject([{ address: new URL(url).host }]);

    const encoder = new RecordingEncoder();
    const encoderServer = createRpcServer();
    serveVisionEncoder(encoderServer, {
      encode: (job, signal) => encoder.encode(job, signal),
      lend: () => undefined,
      description: { modelRevision: 'unused', hiddenSize: 1, cacheBytes: 1 },
      updates: async function* () {},
    });
    const address = await startMember(hub, 'vision-encoder', encoderServer);
    const script: Script = async function* (...given) {
      for await (const event of say(answer)(...given)) {
        yield event.kind === 'encodeHere' ? { ...event, encoderAddress: address } : event;
      }
    };
    await startScheduler(hub, script, encoder);
    const bytes = await drawPicture(28, 28);
    const { status, body } = await ask(question([picture(bytes)], { model: modelId }));
    expect([status, body.choices[0].message.content]).toEqual([200, 'a red circle']);
    expect(bytes.equals(encoder.jobs[0]!.source)).toBe(true);
    expect(await ready()).toEqual([200, undefined]);
  });

  it('goes on with an answer at the next leader when the first one is deposed', async () => {
    const hub = new MemoryHub();
    const { ask } = await startGatewayOn(hub);
    const encoder = new RecordingEncoder();
    const begin: Script = async function* (_request, signal) {
      yield { kind: 'tokens', tokens: sampled(answer).slice(0, 2) };
      await untilAborted(signal);
    };
    const goOn: Script = async function* (request) {
      yield { kind: 'tokens', tokens: sampled(answer).slice(request.resumeTokens.length) };
      const usage = { numPromptTokens: 1, numCachedTokens: 0, numOutputTokens: answer.length };
      yield { kind: 'finished', reason: 'stop', usage };
    };
    const first = await startScheduler(hub, begin, encoder);
    const second = await startScheduler(hub, goOn, encoder, { isLeader: false });
    const asked = ask(question('x'));
    await expect.poll(() => first.scheduler.numRunning).toBe(1);
    second.scheduler.description = { ...second.scheduler.description, isLeader: true, epoch: 2 };
    const { status, body } = await asked;
    expect([status, body.choices[0].message.content]).toEqual([200, 'a red circle']);
    expect(second.scheduler.requests[0]!.attempt).toBe(1);
  });

  it('keeps to a scheduler that is named, without a bus', async () => {
    const { address } = await startScheduler(undefined, say(answer), new RecordingEncoder());
    const { ask } = await startGatewayOn(undefined, { scheduler: address, servedModelName: 'mine' });
    const { status, body } = await ask(question('x', { model: 'mine' }));
    expect([status, body.model]).toEqual([200, 'mine']);
  });

  it("hands on a scheduler's refusal, and when to come back", async () => {
    // biome-ignore lint/correctness/useYield: this scheduler fails before it says anything
    const refuse: Script = async function* () {
      throw new ServingError('queue_full', 'no room for 9 more tokens', { limit: 8, retryAfterSeconds: 6.2 });
    };
    const { address } = await startScheduler(undefined, refuse, new RecordingEncoder());
    const { ask } = await startGatewayOn(undefined, { scheduler: address });
    const { status, retryAfter, body } = await ask(question('x'));
    expect([status, retryAfter, body.error]).toMatchObject([
      429,
      '7',
      { code: 'queue_full', message: 'no room for 9 more tokens' },
    ]);
  });
});

it('TLS needs all its files', () => {
  const load = () => loadConfig(gatewayServerConfigSchema, { env: {}, overrides: { model, tlsCa: 'a', tlsCert: 'b' } });
  expect(load).toThrow('--tls-key: is needed with the other --tls options');
});
