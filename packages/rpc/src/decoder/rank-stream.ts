import { ServingError } from '@tessera/domain';
import * as wire from '@tessera/proto/decoder/v1';
import { failureFromProto } from '../convert/failure.js';
import { invalidField } from '../convert/invalid-field.js';
import type { MessageStream } from '../grpc/message-stream.js';
import { RpcClient } from '../grpc/rpc-client.js';
import type { RpcTls } from '../grpc/rpc-tls.js';
import type { Sent } from '../grpc/service-definition.js';

export type Command = NonNullable<Sent<typeof wire.StepRequestSchema>['command']>;
type Reply = Exclude<wire.StepResponse['reply'], { case: 'failure' } | { case: undefined }>;
export type ReplyCase = Reply['case'];
export type ReplyValue<Case extends ReplyCase> = Extract<Reply, { case: Case }>['value'];

/** Which rank is led, and how. */
export interface RankStreamOptions {
  readonly groupId: string;
  readonly rank: number;
  readonly address: string;
  /** Time after which the rank takes silence for the end; it hears something three times in it. */
  readonly silenceMs: number;
  readonly tls?: RpcTls | undefined;
}

interface PendingCall {
  readonly expected: ReplyCase;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** The leader's end of one Step stream. Calls go out at once, in order; what is pending at its end rejects. */
export class RankStream {
  readonly rank: number;
  /** Resolves with the reason when the stream is over, whoever ended it. */
  readonly ended: Promise<Error>;
  readonly #options: RankStreamOptions;
  readonly #client: RpcClient;
  readonly #stream: MessageStream<Sent<typeof wire.StepRequestSchema>, wire.StepResponse>;
  readonly #abort = new AbortController();
  readonly #pending = new Map<bigint, PendingCall>();
  readonly #heartbeat: NodeJS.Timeout;
  #numCalls = 0n;
  #end: Error | undefined;
  #reportEnd: (reason: Error) => void = () => {};

  constructor(options: RankStreamOptions) {
    this.rank = options.rank;
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#reportEnd = resolve;
    });
    this.#client = new RpcClient({ address: options.address, lostReason: 'worker_failed' }, options.tls);
    this.#stream = this.#client.bidiStream(wire.DecoderService.method.step, { signal: this.#abort.signal });
    this.#heartbeat = setInterval(() => void this.#stream.send({}), options.silenceMs / 3);
    void this.#receive();
  }

  /** The answer to a command, which must be of the case `expected`; rejects with what the rank failed with. */
  call<Case extends ReplyCase>(command: Command, expected: Case): Promise<ReplyValue<Case>> {
    if (this.#end) return Promise.reject(this.#end);
    const callId = ++this.#numCalls;
    return new Promise((resolve, reject) => {
      this.#pending.set(callId, { expected, resolve, reject });
      void this.#stream.send({ callId, command });
    });
  }

  /** Whether the process answers at all within `deadlineMs`. */
  isThere(deadlineMs: number): Promise<boolean> {
    return this.#client.unary(wire.DecoderService.method.describe, {}, { deadlineMs }).then(
      () => true,
      () => false,
    );
  }

  /** Ends the stream; the first reason stays. */
  end(reason: Error): void {
    if (this.#end) return;
    this.#end = reason;
    clearInterval(this.#heartbeat);
    this.#abort.abort();
    this.#client.close();
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
    this.#reportEnd(reason);
  }

  async #receive(): Promise<void> {
    try {
      for await (const { callId, reply } of this.#stream.received) this.#settle(callId, reply);
      this.end(this.#lostError('it ended its stream'));
    } catch (error) {
      this.end(this.#lossOf(error as ServingError));
    }
  }

  #settle(callId: bigint, reply: wire.StepResponse['reply']): void {
    // An answer to no call is the rank's last word.
    if (callId === 0n && reply.case === 'failure') throw failureFromProto(reply.value);
    const pending = this.#pending.get(callId);
    if (!pending) throw new ServingError('internal', `it answered call ${callId}, which does not wait for an answer`);
    if (reply.case === 'failure') pending.reject(failureFromProto(reply.value));
    else if (reply.case === pending.expected) pending.resolve(reply.value as never);
    else pending.reject(invalidField('reply', pending.expected, reply.case ?? 'nothing'));
    this.#pending.delete(callId);
  }

  /** A rank that obeys somebody else is not lost, it is this leader that must stand down. */
  #lossOf(error: ServingError): ServingError {
    return error.reason === 'epoch_refused' ? error : this.#lostError(error.message, error);
  }

  #lostError(why: string, cause?: Error): ServingError {
    const { groupId, rank, address } = this.#options;
    const message = `Rank ${rank} of group ${groupId} was lost: ${why.replace(/\.$/, '')}.`;
    return new ServingError('worker_failed', message, { groupId, rank, address }, { cause });
  }
}
