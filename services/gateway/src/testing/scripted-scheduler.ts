import type {
  CellDescription,
  CellInspection,
  CellModel,
  Request,
  SampledToken,
  SchedulerEvent,
} from '@tessera/domain';
import type { SchedulerClient } from '../cell/cell.js';
import type { RecordingEncoder } from './recording-encoder.js';

/** What a scheduler would say to one request. */
export type Script = (
  request: Request,
  signal: AbortSignal,
  encoder: RecordingEncoder,
) => AsyncIterable<SchedulerEvent>;

export const tinyModel: CellModel = {
  revision: 'revision-0123456789',
  maxContextLen: 4096,
  pageLen: 16,
  maxVisualTokens: 2048,
};

/** A scheduler that follows a script, says of itself what the test sets, and counts the requests that have not left it. */
export class ScriptedScheduler implements SchedulerClient {
  readonly requests: Request[] = [];
  numRunning = 0;
  description: CellDescription = { isLeader: true, isReady: true, waitingFor: '', epoch: 1, model: tinyModel };

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

  async describe(): Promise<CellDescription> {
    return this.description;
  }

  async inspect(): Promise<CellInspection> {
    return { epoch: 1, numWaiting: 0, numRunning: this.numRunning, groups: [] };
  }

  close(): void {}
}

/** Has every visual encoded, then begins with three cached tokens, says one token an event, and ends. */
export function say(tokenIds: readonly number[], reason: 'stop' | 'length' = 'stop'): Script {
  return async function* (request, signal, encoder) {
    for (const segment of request.segments) {
      if (segment.kind === 'text') continue;
      const ticket = `${request.requestId}/${segment.mediaIndex}`;
      yield { kind: 'encodeHere', mediaIndex: segment.mediaIndex, encoderAddress: 'encoder-0', ticket };
      await encoder.whenEncoded(ticket, signal);
    }
    yield { kind: 'started', numCachedTokens: 3 };
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
