import type { Request, SampledToken, Scheduler, SchedulerEvent } from '@tessera/domain';
import type { RecordingEncoder } from './recording-encoder.js';

/** What a scheduler would say to one request. */
export type Script = (
  request: Request,
  signal: AbortSignal,
  encoder: RecordingEncoder,
) => AsyncIterable<SchedulerEvent>;

/** A scheduler that follows a script, and counts the requests that have not left it. */
export class ScriptedScheduler implements Scheduler {
  readonly requests: Request[] = [];
  numRunning = 0;

  constructor(
    private readonly script: Script,
    private readonly encoder: RecordingEncoder,
  ) {}

  async *generate(request: Request, signal: AbortSignal): AsyncGenerator<SchedulerEvent> {
    this.requests.push(request);
    this.numRunning++;
    try {
      yield* this.script(request, signal, this.encoder);
    } finally {
      this.numRunning--;
    }
  }
}

/** Has every visual encoded, then says one token an event, then ends. */
export function say(tokenIds: readonly number[], reason: 'stop' | 'length' = 'stop'): Script {
  return async function* (request, signal, encoder) {
    for (const segment of request.segments) {
      if (segment.kind === 'text') continue;
      const ticket = `${request.requestId}/${segment.mediaIndex}`;
      yield { kind: 'encodeHere', mediaIndex: segment.mediaIndex, encoderAddress: 'encoder-0', ticket };
      await encoder.whenEncoded(ticket, signal);
    }
    for (const token of sampled(tokenIds)) yield { kind: 'tokens', tokens: [token] };
    const usage = { numPromptTokens: request.tokenIds.length, numCachedTokens: 3, numOutputTokens: tokenIds.length };
    yield { kind: 'finished', reason, usage };
  };
}

/** Sampled tokens from output index 0, with a log-probability that tells them apart. */
export function sampled(tokenIds: readonly number[]): SampledToken[] {
  return tokenIds.map((tokenId, outputIndex) => {
    return {
      tokenId,
      outputIndex,
      logprob: -outputIndex - 0.5,
      topLogprobs: [{ tokenId, logprob: -outputIndex - 0.5 }],
    };
  });
}

/** Waits until `signal` aborts, then throws its reason. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
