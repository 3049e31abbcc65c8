import { type EncodeJob, type ErrorReason, type Request, type SchedulerEvent, ServingError } from '@tessera/domain';
import { afterEach, describe, expect, it } from 'vitest';
import { drawPicture } from '../testing/pictures.js';
import { RecordingEncoder } from '../testing/recording-encoder.js';
import { untilAborted } from '../testing/scripted-scheduler.js';
import { picture, question, startTinyGateway, type TinyGateway } from '../testing/tiny-gateway.js';

let tiny: TinyGateway;
afterEach(() => tiny.gateway.close());

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

/** A gateway whose scheduler asks for the picture at encoder a, and at b once a has failed as told. */
async function startWithFailing(reason: ErrorReason) {
  let failed = () => {};
  const hasFailed = new Promise<void>((resolve) => {
    failed = resolve;
  });
  const encoders: Record<string, RecordingEncoder> = {
    a: new RecordingEncoder(async () => {
      failed();
      throw new ServingError(reason, 'encoder a is out of order');
    }),
    b: new RecordingEncoder(),
  };
  tiny = await startTinyGateway({
    deps: { encoders: (address) => encoders[address]! },
    script: async function* (request, signal) {
      yield encodeHere('a');
      await hasFailed;
      yield encodeHere('b');
      await encoders.b!.whenEncoded('at b', signal);
      yield finish(request);
    },
  });
  return encoders;
}

describe('an upload', () => {
  for (const reason of ['worker_failed', 'not_ready', 'shutting_down'] as const) {
    it(`to an encoder that fails with ${reason} is made again elsewhere, whole`, async () => {
      const encoders = await startWithFailing(reason);
      const bytes = await drawPicture(28, 28);
      expect((await tiny.ask(question([picture(bytes)]))).status).toBe(200);
      const [first, second] = [encoders.a, encoders.b].map((encoder) => encoder!.jobs[0]!) as [EncodeJob, EncodeJob];
      expect(second).toEqual({ ...first, ticket: 'at b' });
      expect(bytes.equals(second.source)).toBe(true);
      expect(tiny.lines.join('')).toContain('an upload was lost');
    });
  }

  it('of a picture that is at fault ends the request', async () => {
    await startWithFailing('media_undecodable');
    const { status, body } = await tiny.ask(question([picture(await drawPicture(28, 28))]));
    expect([status, body.error.code]).toEqual([400, 'media_undecodable']);
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
