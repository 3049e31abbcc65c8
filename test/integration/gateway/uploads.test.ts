import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CellDescription, EncodeJob, SchedulerEvent } from '@tessera/domain';
import { gatewayServerConfigSchema, startGateway } from '@tessera/gateway';
import { loadProcessor } from '@tessera/onnx-graph';
import { createRpcServer, type RpcServer, serveScheduler, serveVisionEncoder } from '@tessera/rpc';
import { createLogger, loadConfig } from '@tessera/runtime';
import sharp from 'sharp';
import { afterEach, expect, it } from 'vitest';
import { createTestContext } from '../vision-encoder/support/process-context.js';
import { type Link, openLink } from './support/open-link.js';

const model = fileURLToPath(new URL('../../../models/tessera-tiny', import.meta.url));
const description: CellDescription = {
  isLeader: true,
  isReady: true,
  waitingFor: '',
  epoch: 1,
  model: { revision: 'revision', maxContextLen: 4096, pageLen: 16, maxVisualTokens: 2048 },
};

const context = createTestContext();
afterEach(() => context.end());

async function listen(name: string, add: (server: RpcServer) => void): Promise<string> {
  const server = createRpcServer();
  add(server);
  const address = await server.listen('127.0.0.1:0');
  context.onShutdown(name, () => server.close(0));
  return address;
}

/**
 * A gateway on its way to an encoder, of a scheduler that asks for the upload once: it hears of nothing but the
 * embedding, since its own connection to the encoder is whole.
 */
async function startWorld(encode: (job: EncodeJob, numJobs: number, link: Link, signal: AbortSignal) => Promise<void>) {
  const jobs: EncodeJob[] = [];
  let ready = () => {};
  const isReady = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const encoder = await listen('encoder', (server) =>
    serveVisionEncoder(server, {
      async encode(job, signal) {
        jobs.push(job);
        await encode(job, jobs.length, link, signal);
        ready();
      },
      lend: () => undefined,
      description: { modelRevision: 'revision', hiddenSize: 1, cacheBytes: 1 },
      async *updates() {},
    }),
  );
  const link = await openLink(encoder);
  context.onShutdown('link', link.close);
  const attempts: number[] = [];
  const scheduler = await listen('scheduler', (server) =>
    serveScheduler(server, {
      async *generate({ attempt, tokenIds }): AsyncGenerator<SchedulerEvent> {
        attempts.push(attempt);
        yield { kind: 'encodeHere', mediaIndex: 0, encoderAddress: link.address, ticket: 'only' };
        await isReady;
        const usage = { numPromptTokens: tokenIds.length, numCachedTokens: 0, numOutputTokens: 0 };
        yield { kind: 'finished', reason: 'stop', usage };
      },
      describe: async () => description,
      inspect: async () => ({ epoch: 1, numWaiting: 0, numRunning: 0, groups: [] }),
    }),
  );
  let lose = () => {};
  const isLost = new Promise<void>((resolve) => {
    lose = resolve;
  });
  const write = (line: string) => {
    if (line.includes('an upload was lost')) lose();
  };
  const { url } = await startGateway(
    loadConfig(gatewayServerConfigSchema, { env: {}, overrides: { model, port: 0, scheduler } }),
    {
      logger: createLogger({ name: 'gateway', stream: { write }, isPretty: false }),
      context,
      processor: await loadProcessor(model),
    },
  );
  return {
    link,
    jobs,
    attempts,
    /** Resolves when the gateway has noticed. */
    isLost,
    async ask() {
      const bytes = await sharp({ create: { width: 56, height: 56, channels: 3, background: 'teal' } })
        .png()
        .toBuffer();
      const content = [{ type: 'image_url', image_url: { url: `data:image/png;base64,${bytes.toString('base64')}` } }];
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages: [{ role: 'user', content }] }),
      });
      return response.status;
    },
  };
}

it('an upload whose connection breaks is made again, with the same ticket', async () => {
  const world = await startWorld(async (_job, numJobs, link, signal) => {
    if (numJobs > 1) return;
    link.cut();
    await once(signal, 'abort');
    throw new Error('nobody waits for it any more');
  });
  expect(await world.ask()).toBe(200);
  expect(world.jobs.map(({ ticket }) => ticket)).toEqual(['only', 'only']);
  expect(world.jobs[1]).toEqual(world.jobs[0]);
  expect(world.attempts).toEqual([0]);
});

it('an upload to an encoder that stalls is made again when it goes on', async () => {
  const world = await startWorld(async () => {});
  world.link.stall();
  const asked = world.ask();
  await world.isLost;
  world.link.resume();
  expect(await asked).toBe(200);
  expect(world.jobs.map(({ ticket }) => ticket)).toContain('only');
  expect(world.attempts).toEqual([0]);
});
