import { type Scheduler, ServingError } from '@tessera/domain';
import type { Request } from '@tessera/proto/common/v1';
import type { GenerateRequest, GenerateResponseSchema, RequestEventSchema } from '@tessera/proto/scheduler/v1';
import { failureToProto } from '../convert/failure.js';
import { invalidField } from '../convert/invalid-field.js';
import { requestFromProto } from '../convert/request.js';
import { schedulerEventToProto } from '../convert/scheduler-event.js';
import type { MessageStream } from '../grpc/message-stream.js';
import type { Sent } from '../grpc/service-definition.js';
import { EventOutbox } from './event-outbox.js';

/** The scheduler's end of one stream of requests. */
export class ServedRequests {
  readonly #scheduler: Scheduler;
  readonly #outbox: EventOutbox;
  readonly #onError: (error: unknown) => void;
  readonly #running = new Map<bigint, AbortController>();
  readonly #runs = new Set<Promise<void>>();

  constructor(scheduler: Scheduler, outbox: EventOutbox, onError: (error: unknown) => void) {
    this.#scheduler = scheduler;
    this.#outbox = outbox;
    this.#onError = onError;
  }

  /** Answers what no caller of this version sends with a failure of `invalid_field`. */
  take({ callId, command }: GenerateRequest): void {
    // One that has ended since cannot be cancelled any more.
    if (command.case === 'cancel') this.#running.get(callId)?.abort();
    else if (command.case === undefined) this.#fail(callId, invalidField('command', 'a command', 'none'));
    else if (this.#running.has(callId)) this.#fail(callId, invalidField('call_id', 'a new one', String(callId)));
    else this.#start(callId, command.value);
  }

  /** Cancels what still runs, and resolves when all that it held is free and everything is said. */
  async end(): Promise<void> {
    for (const running of this.#running.values()) running.abort();
    await Promise.all(this.#runs);
    await this.#outbox.sent();
  }

  #start(callId: bigint, request: Request): void {
    const running = new AbortController();
    this.#running.set(callId, running);
    const run = this.#run(callId, request, running.signal).finally(() => {
      this.#running.delete(callId);
      this.#runs.delete(run);
    });
    this.#runs.add(run);
  }

  async #run(callId: bigint, request: Request, signal: AbortSignal): Promise<void> {
    const say = (event: Sent<typeof RequestEventSchema>['event']) => {
      if (!signal.aborted) this.#outbox.push({ callId, event });
    };
    try {
      let isFinished = false;
      for await (const event of this.#scheduler.generate(requestFromProto(request), signal)) {
        isFinished = event.kind === 'finished';
        say(schedulerEventToProto(event));
      }
      if (!isFinished) throw new ServingError('internal', 'a request ended before it was finished');
    } catch (error) {
      this.#onError(error);
      if (!signal.aborted) this.#fail(callId, error);
    }
  }

  #fail(callId: bigint, error: unknown): void {
    this.#outbox.push({ callId, event: { case: 'failure', value: failureToProto(error) } });
  }
}

/** Serves the requests of one caller until it is gone or has no more; `onError` is told of all that they fail with. */
export async function serveRequests(
  { send, received }: MessageStream<Sent<typeof GenerateResponseSchema>, GenerateRequest>,
  scheduler: Scheduler,
  onError: (error: unknown) => void,
): Promise<void> {
  const requests = new ServedRequests(scheduler, new EventOutbox((events) => send({ events })), onError);
  try {
    for await (const message of received) requests.take(message);
  } finally {
    await requests.end();
  }
}
