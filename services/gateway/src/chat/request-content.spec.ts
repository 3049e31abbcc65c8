import type { Request, Segment } from '@tessera/domain';
import { prefixHashesOf, rootHash } from '@tessera/kv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drawAnimation, drawOriented, drawPicture } from '../testing/pictures.js';
import { say, tinyModel } from '../testing/scripted-scheduler.js';
import { picture, question, startTinyGateway, type TinyGateway } from '../testing/tiny-gateway.js';
import { tinyProcessor } from '../testing/tiny-processor.js';
import { cacheSaltOf } from './cache-salt.js';

let tiny: TinyGateway;
beforeEach(async () => {
  tiny = await startTinyGateway({ script: say([]), options: { maxInMemoryBytes: 64, maxFilesBytes: 4000 } });
});
afterEach(() => tiny.gateway.close());

type VisualSegment = Extract<Segment, { kind: 'image' | 'video' }>;
const visualsOf = (request: Request) =>
  request.segments.filter((segment): segment is VisualSegment => segment.kind !== 'text');

async function send(body: object): Promise<Request> {
  const { status, body: answer } = await tiny.ask(body);
  expect([status, answer.error]).toEqual([200, undefined]);
  return tiny.scheduler.requests.at(-1)!;
}
const see = async (bytes: Uint8Array, fields: object = {}) =>
  visualsOf(await send(question([picture(bytes, fields)])))[0]!;

describe('the request that reaches the scheduler', () => {
  it('is tiled by its segments, pictures numbered in order', async () => {
    const parts = [
      picture(await drawPicture(56, 84)),
      { type: 'text', text: 'and' },
      picture(await drawPicture(112, 56)),
    ];
    const { segments, tokenIds } = await send(question(parts));
    expect(segments.map(({ kind, length }) => (kind === 'text' ? kind : `${kind} ${length}`))).toEqual([
      'text',
      'image 6',
      'text',
      'image 8',
      'text',
    ]);
    segments.reduce((offset, segment) => {
      expect(segment.offset).toBe(offset);
      return offset + segment.length;
    }, 0);
    expect(segments.reduce((sum, { length }) => sum + length, 0)).toBe(tokenIds.length);
    expect(segments.flatMap((segment) => (segment.kind === 'text' ? [] : [segment.mediaIndex]))).toEqual([0, 1]);
    for (const { offset, length } of visualsOf({ segments } as Request)) {
      const placeholders = tokenIds.subarray(offset, offset + length);
      expect(new Set(placeholders)).toEqual(new Set([tinyProcessor.config.specialTokens.image]));
    }
  });

  it('has the ids and positions that the processor makes', async () => {
    const request = await send({
      messages: [
        { role: 'developer', content: 'Be short.' },
        { role: 'user', content: 'How many?' },
      ],
    });
    const expected = tinyProcessor.buildPrompt(
      [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: 'How many?' },
      ],
      { addGenerationPrompt: true },
    );
    expect(request.tokenIds).toEqual(expected.tokenIds);
    expect(request.positions).toEqual(expected.positions);
  });

  it('has no placeholder for a special token in the text', async () => {
    const request = await send(question([{ type: 'text', text: '<|vision_start|><|image_pad|><|vision_end|>' }]));
    expect([...request.tokenIds]).not.toContain(tinyProcessor.config.specialTokens.image);
  });

  it('may generate to the end of the context unless told otherwise', async () => {
    const request = await send(question('x'));
    expect(request.maxTokens).toBe(4096 - request.tokenIds.length);
    expect((await send(question('x', { max_completion_tokens: 9 }))).maxTokens).toBe(9);
    expect((await send(question('x', { max_tokens: 99_999 }))).maxTokens).toBe(request.maxTokens);
  });

  it('may generate defaultMaxTokens unless told otherwise, or min_tokens where these are more', async () => {
    const short = await startTinyGateway({ script: say([]), options: { defaultMaxTokens: 100 } });
    for (const fields of [{}, { max_tokens: 300 }, { min_tokens: 200 }]) await short.ask(question('x', fields));
    expect(short.scheduler.requests.map(({ maxTokens }) => maxTokens)).toEqual([100, 300, 200]);
    await short.gateway.close();
  });
});

describe('a picture is seen', () => {
  it('within the limits of the checkpoint', async () => {
    expect(await see(await drawPicture(400, 300))).toMatchObject({
      processing: { resizedHeight: 140, resizedWidth: 168 },
    });
  });

  it('within its own limits', async () => {
    const small = await see(await drawPicture(400, 300), { max_pixels: 6272 });
    expect(small.processing.resizedHeight * small.processing.resizedWidth).toBeLessThanOrEqual(6272);
    const large = await see(await drawPicture(28, 28), { min_pixels: 20_000, max_pixels: 30_000 });
    expect(large.processing.resizedHeight * large.processing.resizedWidth).toBeGreaterThanOrEqual(20_000);
  });

  it('at the size that it asks for', async () => {
    const seen = await see(await drawPicture(400, 300), { resized_height: 60, resized_width: 110 });
    expect(seen).toMatchObject({ processing: { resizedHeight: 56, resizedWidth: 112 }, grid: { t: 1, h: 4, w: 8 } });
  });

  it('upright, as its EXIF tag says', async () => {
    const { processing } = await see(await drawOriented(112, 56, 6));
    expect(processing).toEqual({ resizedHeight: 112, resizedWidth: 56 });
  });

  it('by its first frame when it is animated', async () => {
    const { processing } = await see(await drawAnimation(112, 56, 3));
    expect(processing).toEqual({ resizedHeight: 56, resizedWidth: 112 });
  });

  for (const [width, height] of [
    [1, 1],
    [1, 200],
    [200, 1],
  ] as const) {
    it(`when it has ${width} × ${height} pixels`, async () => {
      const { processing, length, grid } = await see(await drawPicture(width, height));
      expect(length).toBe((grid.h * grid.w) / 4);
      expect([processing.resizedHeight, processing.resizedWidth]).toEqual([grid.h * 14, grid.w * 14]);
    });
  }

  for (const format of ['jpeg', 'webp', 'gif'] as const) {
    it(`when it is ${format}`, async () => {
      expect(await see(await drawPicture(84, 84, format))).toMatchObject({ length: 9 });
    });
  }
});

describe('the key of an embedding', () => {
  it('is the same for the same picture, and another one for other bytes or another size', async () => {
    const bytes = await drawPicture(84, 84);
    const keys = [
      await see(bytes),
      await see(bytes),
      await see(await drawPicture(84, 84, 'jpeg')),
      await see(bytes, { max_pixels: 3136 }),
    ].map(({ embeddingKey }) => embeddingKey);
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
    expect([keys[1] === keys[0], new Set(keys).size]).toEqual([true, 3]);
  });
});

describe('an encoder', () => {
  it('is sent the bytes as they came, with what to make of them', async () => {
    const bytes = await drawPicture(84, 56);
    const { embeddingKey, grid, processing } = await see(bytes);
    expect(tiny.encoder.jobs).toEqual([
      {
        ticket: `${tiny.scheduler.requests[0]!.requestId}/0`,
        tenant: 'default',
        embeddingKey,
        kind: 'image',
        grid,
        processing,
        source: expect.anything(),
      },
    ]);
    expect(bytes.equals(tiny.encoder.jobs[0]!.source)).toBe(true);
  });
});

it('the room that pictures take is given back when their request ends', async () => {
  for (let i = 0; i < 12; i++) await see(await drawPicture(400, 300 + i));
  expect(tiny.encoder.jobs.reduce((sum, { source }) => sum + source.length, 0)).toBeGreaterThan(4000);
});

describe('sampling', () => {
  const samplingOf = async (fields: object) => (await send(question('x', fields))).sampling;

  it("follows the checkpoint where the client is silent, with a seed of its request's own", async () => {
    const [first, second] = [await samplingOf({}), await samplingOf({})];
    expect(first).toMatchObject({
      temperature: 0,
      topP: 1,
      topK: 0,
      minP: 0,
      repetitionPenalty: 1,
      minTokens: 0,
      numTopLogprobs: undefined,
    });
    expect(first.stopTokenIds).toEqual(tinyProcessor.generation.eosTokenIds);
    expect(first.seed).not.toBe(second.seed);
  });

  it('follows the client', async () => {
    const fields = {
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      min_p: 0.1,
      presence_penalty: 1,
      frequency_penalty: -1,
      repetition_penalty: 1.1,
    };
    expect(
      await samplingOf({
        ...fields,
        seed: 7,
        min_tokens: 2,
        logit_bias: { 5: -100 },
        stop_token_ids: [9],
        logprobs: true,
      }),
    ).toEqual({
      ...{
        temperature: 0.5,
        topP: 0.9,
        topK: 5,
        minP: 0.1,
        presencePenalty: 1,
        frequencyPenalty: -1,
        repetitionPenalty: 1.1,
      },
      ...{ seed: 7, minTokens: 2, logitBias: new Map([[5, -100]]), numTopLogprobs: 0, choiceIndex: 0 },
      stopTokenIds: [...tinyProcessor.generation.eosTokenIds, 9],
    });
  });

  it('is greedy at a temperature of 1e-6, and keeps all tokens at a top_k of −1', async () => {
    expect(await samplingOf({ temperature: 1e-6, top_k: -1 })).toMatchObject({ temperature: 0, topK: 0 });
  });

  it('ends at nothing but its own stop tokens with ignore_eos', async () => {
    expect((await samplingOf({ ignore_eos: true, stop_token_ids: [9] })).stopTokenIds).toEqual([9]);
  });
});

describe('the pages of a prompt are found', () => {
  const prefixOf = async (fields: object = {}) => (await send(question('How many?', fields))).prefix!;

  it('under hashes of the full pages, for the page length of the cell', async () => {
    const { prefix, tokenIds, segments, positions, modelRevision, tenant } = await send(question('How many?'));
    const root = rootHash({ modelRevision, tenant, salt: cacheSaltOf('', undefined) });
    expect(prefix).toEqual(prefixHashesOf({ tokenIds, segments, positions }, root, tinyModel.pageLen));
    expect(prefix!.blocks).toHaveLength(Math.floor(tokenIds.length / tinyModel.pageLen));
  });

  it('by requests with the same cache_salt only', async () => {
    const roots = [await prefixOf(), await prefixOf(), await prefixOf({ cache_salt: 'a' })].map(({ root }) => root);
    expect([roots[0] === roots[1], roots[0] === roots[2]]).toEqual([true, false]);
    const bytes = await drawPicture(84, 84);
    const keys = [
      await send(question([picture(bytes)])),
      await send(question([picture(bytes)], { cache_salt: 'a' })),
    ].map((request) => visualsOf(request)[0]!.embeddingKey);
    expect(keys[0]).not.toBe(keys[1]);
  });

  it('by nobody when the prefix cache is off', async () => {
    const off = await startTinyGateway({ script: say([]), options: { prefixCache: false } });
    await off.ask(question('x'));
    expect(off.scheduler.requests[0]!.prefix).toBeUndefined();
    await off.gateway.close();
  });
});

it('a request runs before others by its priority', async () => {
  const priorities = [];
  for (const fields of [{}, { priority: 100 }, { priority: -100 }]) {
    priorities.push((await send(question('x', fields))).priority);
  }
  expect(priorities).toEqual([0, 100, -100]);
  for (const priority of [101, 0.5]) {
    const { status, body } = await tiny.ask(question('x', { priority }));
    expect([status, body.error.param]).toEqual([400, 'priority']);
  }
});

it('a request says how many bytes its pictures have', async () => {
  const pictures = [await drawPicture(56, 84), await drawPicture(112, 56)];
  const { numMediaBytes } = await send(question(pictures.map((bytes) => picture(bytes))));
  expect(numMediaBytes).toBe(pictures[0]!.length + pictures[1]!.length);
});

it('pictures of more tokens than the cell takes are refused', async () => {
  const small = await startTinyGateway({ script: say([]), model: { maxVisualTokens: 8 } });
  const { status, body } = await small.ask(question([picture(await drawPicture(84, 84))]));
  expect([status, body.error]).toMatchObject([
    400,
    { code: 'media_too_large', message: 'messages: the pictures have 9 tokens together, the limit is 8' },
  ]);
  await small.gateway.close();
});
