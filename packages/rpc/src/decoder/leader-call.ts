import { embeddingKey, ServingError, type StepPlan } from '@tessera/domain';
import type * as wire from '@tessera/proto/decoder/v1';
import { failureToProto } from '../convert/failure.js';
import { invalidField } from '../convert/invalid-field.js';
import { safeIntegerOf } from '../convert/safe-integer.js';
import type { MessageStream } from '../grpc/message-stream.js';
import type { Sent } from '../grpc/service-definition.js';
import { descriptionToProto } from './description.js';
import type { LeaderStream, RankHost, RankLease } from './rank-host.js';
import { sealToProto } from './seal.js';
import { stepPlanFromProto } from './step-plan.js';
import { stepResultToProto } from './step-result.js';

type Response = Sent<typeof wire.StepResponseSchema>;
type Reply = NonNullable<Response['reply']>;
type Command = Exclude<wire.StepRequest['command'], { case: undefined }>;

export interface LeaderCallParts {
  readonly host: RankHost;
  readonly stream: MessageStream<Response, wire.StepRequest>;
  /** Told of all that commands fail with. */
  readonly onError: (error: unknown) => void;
}

/** One Step stream: hands the leader's commands to the rank in their order and answers each when it is done. */
export class LeaderCall implements LeaderStream {
  readonly #host: RankHost;
  readonly #stream: MessageStream<Response, wire.StepRequest>;
  readonly #onError: (error: unknown) => void;
  readonly #over = new AbortController();
  #isClaimed = false;
  #lease: RankLease | undefined;
  #lastHeardMs = performance.now();
  #endedBy: Error | undefined;

  constructor({ host, stream, onError }: LeaderCallParts, cancelled: AbortSignal) {
    this.#host = host;
    this.#stream = stream;
    this.#onError = onError;
    cancelled.addEventListener('abort', () => this.#over.abort());
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get silentMs(): number {
    return performance.now() - this.#lastHeardMs;
  }

  end(why: Error): void {
    this.#endedBy ??= why;
    this.#over.abort();
  }

  /** Runs until either side ends the stream; the last word of this one, an answer to no call, says why. */
  async serve(): Promise<void> {
    const over = new Promise<void>((resolve) => this.signal.addEventListener('abort', () => resolve()));
    try {
      await Promise.race([this.#takeAll(), over]);
    } finally {
      this.#over.abort();
    }
    const reason = this.#endedBy;
    if (reason) void this.#stream.send({ callId: 0n, reply: { case: 'failure', value: failureToProto(reason) } });
  }

  async #takeAll(): Promise<void> {
    for await (const { callId, command } of this.#stream.received) {
      this.#lastHeardMs = performance.now();
      // Without a command the leader says only that it is there.
      if (command.case !== undefined) void this.#answer(callId, command);
    }
  }

  async #answer(callId: bigint, command: Command): Promise<void> {
    try {
      this.#reply(callId, await this.#run(command));
    } catch (error) {
      this.#onError(error);
      this.#reply(callId, { case: 'failure', value: failureToProto(error) });
      if (command.case === 'plan' && this.#lease?.endsWithFailedStep) this.end(error as Error);
    }
  }

  #reply(callId: bigint, reply: Reply): void {
    // Nobody reads a stream that is over.
    if (!this.signal.aborted) void this.#stream.send({ callId, reply });
  }

  /** Calls the rank before anything is waited for, so that commands keep their order. */
  async #run(command: Command): Promise<Reply> {
    switch (command.case) {
      case 'open':
        return { case: 'opened', value: await this.#open(command.value) };
      case 'stage': {
        const { encoderAddress, numTokens } = command.value;
        const embedding = { embeddingKey: embeddingKey(command.value.embeddingKey), encoderAddress, numTokens };
        return { case: 'staged', value: { isStaged: await this.#granted.stage(embedding) } };
      }
      case 'unstage':
        await this.#granted.unstage(embeddingKey(command.value.embeddingKey));
        return { case: 'unstaged', value: {} };
      case 'plan':
        return { case: 'result', value: await this.#step(stepPlanFromProto(command.value)) };
    }
  }

  async #open({
    epoch,
    leaderId,
    session,
    meshAddresses,
    silenceMs,
  }: wire.Open): Promise<Sent<typeof wire.OpenedSchema>> {
    if (this.#isClaimed) throw invalidField('command', 'one open a stream', 'another');
    this.#isClaimed = true;
    const claim = { epoch: safeIntegerOf(epoch, 'open.epoch'), leaderId, session, meshAddresses, silenceMs };
    this.#lease = await this.#host.open(claim, this);
    const { description, seals } = this.#lease;
    return { description: descriptionToProto(description), seals: seals.map(sealToProto) };
  }

  get #granted(): RankLease {
    if (!this.#lease) throw new ServingError('epoch_refused', 'This stream was granted no epoch: open comes first.');
    return this.#lease;
  }

  /** Captures are equal on all ranks; the first one sends them. */
  async #step(plan: StepPlan): Promise<Sent<typeof wire.StepResultSchema>> {
    const lease = this.#granted;
    const result = await lease.step(plan);
    return stepResultToProto(lease.rank === 0 ? result : { ...result, captured: undefined });
  }
}
