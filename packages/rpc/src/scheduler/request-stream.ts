import { EventQueue, type SchedulerEvent, ServingError } from '@tessera/domain';
import type { RequestSchema } from '@tessera/proto/common/v1';
import {
  type GenerateRequestSchema,
  type GenerateResponse,
  type RequestEvent,
  SchedulerService,
} from '@tessera/proto/scheduler/v1';
import { failureFromProto } from '../convert/failure.js';
import { schedulerEventFromProto } from '../convert/scheduler-event.js';
import { lostError, type Peer } from '../grpc/call-error.js';
import type { CallerStream } from '../grpc/message-stream.js';
import type { RpcClient } from '../grpc/rpc-client.js';
import type { Sent } from '../grpc/service-definition.js';

/** The caller's end of one stream of requests. It ends with the last of them; the next one needs another stream. */
export class RequestStream {
  readonly #peer: Peer;
  readonly #stream: CallerStream<Sent<typeof GenerateRequestSchema>, GenerateResponse>;
  /** What is read of every request that has not ended. */
  readonly #running = new Map<bigint, EventQueue<SchedulerEvent>>();
  #numCalls = 0n;
  #hasEnded = false;

  constructor(client: RpcClient, peer: Peer) {
    this.#peer = peer;
    this.#stream = client.bidiStream(SchedulerService.method.generate, {});
    void this.#receive();
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Everything that happens to the request. Leaving early, or aborting the signal, cancels it. */
  async *run(request: Sent<typeof RequestSchema>, signal: AbortSignal): AsyncGenerator<SchedulerEvent, void> {
    const callId = ++this.#numCalls;
    const events = new EventQueue<SchedulerEvent>();
    this.#running.set(callId, events);
    void this.#stream.send({ callId, command: { case: 'request', value: request } });
    const cancel = (): void => this.#cancel(callId);
    signal.addEventListener('abort', cancel);
    try {
      if (signal.aborted) cancel();
      yield* events;
    } finally {
      signal.removeEventListener('abort', cancel);
      cancel();
    }
  }

  #cancel(callId: bigint, reason: Error = new ServingError('cancelled', 'The request was cancelled.')): void {
    const events = this.#running.get(callId);
    if (!events) return;
    void this.#stream.send({ callId, command: { case: 'cancel', value: {} } });
    events.fail(reason);
    this.#forget(callId);
  }

  async #receive(): Promise<void> {
    try {
      for await (const { events } of this.#stream.received) for (const event of events) this.#take(event);
      this.#fail(lostError(this.#peer, 'it ended its stream'));
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** An event that cannot be read ends its request. */
  #take(event: RequestEvent): void {
    try {
      this.#hand(event);
    } catch (error) {
      this.#cancel(event.callId, error as Error);
    }
  }

  /** What still comes of a cancelled request is nobody's. */
  #hand({ callId, event }: RequestEvent): void {
    const events = this.#running.get(callId);
    if (!events) return;
    if (event.case === 'failure') events.fail(failureFromProto(event.value));
    else events.push(schedulerEventFromProto(event));
    if (event.case === 'finished') events.end();
    if (event.case === 'failure' || event.case === 'finished') this.#forget(callId);
  }

  #forget(callId: bigint): void {
    this.#running.delete(callId);
    if (this.#running.size > 0) return;
    this.#hasEnded = true;
    this.#stream.end();
  }

  #fail(error: Error): void {
    this.#hasEnded = true;
    for (const events of this.#running.values()) events.fail(error);
    this.#running.clear();
  }
}
