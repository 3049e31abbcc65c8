import { type EncodeJob, type Request, type SchedulerEvent, ServingError } from '@tessera/domain';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { drawPicture } from '../testing/pictures.js';
import { RecordingEncoder } from '../testing/recording-encoder.js';
import { untilAborted } from '../testing/scripted-scheduler.js';
import { picture, question, startTinyGateway, type TinyGateway } from '../testing/tiny-gateway.js';

let tiny: TinyGateway;
// No pauses between one try and the next.
beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0));
afterEach(async () => {
  await tiny.gateway.close();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const encodeHere = (encoderAddress: string, mediaIndex = 0): SchedulerEvent => ({
  kind: 'encodeHere',
  mediaIndex,
  encoderAddress,
  ticket: `at ${encoderAddress}`,
});
const finish = ({ tokenIds }: Request): SchedulerEvent => ({
  kind: 'finished',
  reason: 'stop',
  usage: { numPromptTokens: tokenIds.length, numCachedTokens: 0, numOutputTokens: 0 },
});

const losses = [
  new ServingError('worker_failed', 'did not take the call within 5000 ms'),
  new ServingError('not_ready', 'no connection'),
  new ServingError('shutting_down', 'the encoder is shutting down'),
  new ServingError('queue_full', '1025 pictures would wait', { retryAfterSeconds: 0.001 }),
];

/** An encoder that fails as told as many times. */
function failing(error: Error, numFailures = Number.POSITIVE_INFINITY): RecordingEncoder {
  let numLeft = numFailures;
  return new RecordingEncoder(async () => {
    if (numLeft-- > 0) throw error;
  });
}

/** Resolves when the encoder has been asked for the first time. */
const whenAsked = (encoder: RecordingEncoder) => expect.poll(() => encoder.jobs.length).toBeGreaterThan(0);

describe('an upload', () => {
  for (const loss of losses) {
    it(`that an encoder answers with ${loss.reason} is made again, whole and with the same ticket`, async () => {
      const encoder = failing(loss, 2);
      tiny = await startTinyGateway({
        deps: { encoders: () => encoder },
        script: async function* (request, signal) {
          yield encodeHere('a');
          await encoder.whenEncoded('at a', signal);
          yield finish(request);
        },
      });
      const bytes = await drawPicture(28, 28);
      expect((await tiny.ask(question([picture(bytes)]))).status).toBe(200);
      const [first, ...others] = encoder.jobs as [EncodeJob, ...EncodeJob[]];
      expect(bytes.equals(first.source)).toBe(true);
      expect(others).toEqual([first, first]);
      expect(tiny.lines.join('')).toContain('an upload was lost');
      expect(tiny.scheduler.requests).toHaveLength(1);
    });

    it(`that is answered with ${loss.reason} is made elsewhere when the scheduler says so`, async () => {
      const encoders = { a: failing(loss), b: new RecordingEncoder() };
      tiny = await startTinyGateway({
        deps: { encoders: (address) => encoders[address as keyof typeof encoders] },
        script: async function* (request, signal) {
          yield encodeHere('a');
          await whenAsked(encoders.a);
          yield encodeHere('b');
          await encoders.b.whenEncoded('at b', signal);
          yield finish(request);
        },
      });
      expect((await tiny.ask(question([picture(await drawPicture(28, 28))]))).status).toBe(200);
      expect(encoders.b.jobs).toEqual([{ ...encoders.a.jobs[0], ticket: 'at b' }]);
    });
  }

  for (const [what, encoder] of [
    ['fails for 20 s', () => failing(losses[0]!)],
    ['is full for long', () => failing(new ServingError('queue_full', 'too many', { retryAfterSeconds: 3600 }))],
  ] as const) {
    it(`to an encoder that ${what} is given up, and the request submitted anew`, async () => {
      vi.useFakeTimers({ toFake: ['Date'] });
      const encoders = { a: encoder(), b: new RecordingEncoder() };
      tiny = await startTinyGateway({
        options: { resumeMs: 60_000 },
        deps: { encoders: (address) => encoders[address as keyof typeof encoders] },
        script: async function* (request, signal) {
          if (request.attempt === 0) {
            yield encodeHere('a');
            await whenAsked(encoders.a);
            vi.setSystemTime(Date.now() + 20_000);
            await untilAborted(signal);
          }
          yield encodeHere('b');
          await encoders.b.whenEncoded('at b', signal);
          yield finish(request);
        },
      });
      expect((await tiny.ask(question([picture(await drawPicture(28, 28))]))).status).toBe(200);
      expect(tiny.scheduler.requests.map(({ attempt }) => attempt)).toEqual([0, 1]);
    });
  }

  it('of a picture that is at fault ends the request', async () => {
    tiny = await startTinyGateway({
      encode: async () => {
        throw new ServingError('media_undecodable', 'it ends in row 3');
      },
      script: async function* (_request, signal) {
        yield encodeHere('a');
        await untilAborted(signal);
      },
    });
    const { status, body } = await tiny.ask(question([picture(await drawPicture(28, 28))]));
    expect([status, body.error.code]).toEqual([400, 'media_undecodable']);
    expect(body.error.message).toBe('messages[0].content[0].image_url.url: it ends in row 3');
    expect(tiny.encoder.jobs).toHaveLength(1);
  });

  it('that is asked for of a picture which the request does not have is our mistake', async () => {
    tiny = await startTinyGateway({
      script: async function* (_request, signal) {
        yield encodeHere('encoder-0', 1);
        await untilAborted(signal);
      },
    });
    const { status, body } = await tiny.ask(question([picture(await drawPicture(28, 28))]));
    expect([status, body.error.code]).toEqual([500, 'internal']);
    expect(tiny.lines.join('')).toContain('asked for visual 1');
  });
});
