import { finished, type Writable } from 'node:stream';
import { ServingError } from '@tessera/domain';

/** A request being answered. */
export interface ActiveRequest {
  /** Aborts, with a ServingError as its reason, when the client goes away or the server stops. */
  readonly signal: AbortSignal;
  /** Calls `cleanUp` when the request has ended, at once if it has already. */
  onEnd(cleanUp: () => Promise<void>): void;
}

/** The requests being answered now, from their arrival until their response is sent or their socket closes. */
export class ActiveRequests {
  readonly #controllers = new Set<AbortController>();
  #whenIdle: (() => void)[] = [];

  /** `onFailedCleanUp` is told of an error that no request can be answered with any more. */
  constructor(private readonly onFailedCleanUp: (error: unknown) => void) {}

  get size(): number {
    return this.#controllers.size;
  }

  /** Counts a request in; it counts itself out when `response` ends. */
  begin(response: Writable): ActiveRequest {
    const controller = new AbortController();
    const ended = new Promise<void>((resolve) => {
      finished(response, { readable: false }, (error) => {
        if (error) controller.abort(new ServingError('cancelled', 'the client closed the connection'));
        this.#end(controller);
        resolve();
      });
    });
    this.#controllers.add(controller);
    return {
      signal: controller.signal,
      onEnd: (cleanUp) => {
        ended.then(cleanUp).catch(this.onFailedCleanUp);
      },
    };
  }

  abortAll(reason: ServingError): void {
    for (const controller of this.#controllers) controller.abort(reason);
  }

  /** Resolves when no request is active. */
  idle(): Promise<void> {
    return this.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #end(controller: AbortController): void {
    this.#controllers.delete(controller);
    if (this.size === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
