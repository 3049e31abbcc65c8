import type { DescMethod } from '@bufbuild/protobuf';
import { Client, type ClientReadableStream, type ClientWritableStream } from '@grpc/grpc-js';
import { errorOf, type Peer } from './call-error.js';
import { type CallerStream, createWriter } from './message-stream.js';
import { channelCredentials, type RpcTls } from './rpc-tls.js';
import { methodDefinition, type Received, type Sent } from './service-definition.js';
import { type WatchedCall, watchCall } from './watch-call.js';
import { channelOptions } from './wire-options.js';

type MethodOf<Kind extends DescMethod['methodKind']> = DescMethod & { readonly methodKind: Kind };

/** How long a call may last; without limits, until it ends by itself or its peer is lost. */
export interface CallLimits {
  /** Aborting it cancels the call, which throws `cancelled`. */
  readonly signal?: AbortSignal;
  /** A peer that has not finished by then counts as lost. */
  readonly deadlineMs?: number;
}

/**
 * A connection to one peer: made at the first call, made again when it is lost. Calls throw ServingErrors: what the
 * handler threw, the peer's `lostReason`, or `cancelled`.
 */
export class RpcClient {
  readonly #peer: Peer;
  readonly #client: Client;

  constructor(peer: Peer, tls: RpcTls | undefined) {
    this.#peer = peer;
    this.#client = new Client(peer.address, channelCredentials(tls), channelOptions);
  }

  unary<Method extends MethodOf<'unary'>>(
    method: Method,
    request: Sent<Method['input']>,
    { deadlineMs }: { readonly deadlineMs: number },
  ): Promise<Received<Method['output']>> {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    const options = { deadline: Date.now() + deadlineMs };
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        options,
        (error, response) => {
          if (response === undefined) reject(errorOf(error, this.#peer));
          else resolve(response);
        },
      );
    });
  }

  /** Leaving the loop early cancels the call. */
  async *serverStream<Method extends MethodOf<'server_streaming'>>(
    method: Method,
    request: Sent<Method['input']>,
    { signal, deadlineMs = Number.POSITIVE_INFINITY }: CallLimits,
  ): AsyncGenerator<Received<Method['output']>, void> {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    const options = { deadline: Date.now() + deadlineMs };
    const call = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, options);
    yield* receive(call, watchCall(call, this.#peer, signal));
  }

  /** Sends `requests` as fast as the peer reads them, until it answers. */
  clientStream<Method extends MethodOf<'client_streaming'>>(
    method: Method,
    requests: Iterable<Sent<Method['input']>>,
    { signal }: Pick<CallLimits, 'signal'>,
  ): Promise<Received<Method['output']>> {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    return new Promise((resolve, reject) => {
      const call = this.#client.makeClientStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        (error, response) => {
          if (response === undefined) reject(watched.errorOf(error));
          else resolve(response);
        },
      );
      const watched = watchCall(call, this.#peer, signal);
      sendAll(call, requests, watched.ended).catch((error: unknown) => {
        reject(error);
        call.cancel();
      });
    });
  }

  /** Leaving the loop over `received` early cancels the call. */
  bidiStream<Method extends MethodOf<'bidi_streaming'>>(
    method: Method,
    { signal }: Pick<CallLimits, 'signal'>,
  ): CallerStream<Sent<Method['input']>, Received<Method['output']>> {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    const call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const watched = watchCall(call, this.#peer, signal);
    return {
      send: createWriter(call, watched.ended),
      end: () => call.end(),
      received: receive(call, watched),
    };
  }

  /** Takes no more calls; the connection ends with the last that runs. */
  close(): void {
    this.#client.close();
  }
}

async function* receive<Message>(
  call: ClientReadableStream<Message>,
  watched: WatchedCall,
): AsyncGenerator<Message, void> {
  try {
    for await (const message of call) yield message as Message;
  } catch (error) {
    throw watched.errorOf(error);
  } finally {
    call.cancel();
  }
}

async function sendAll<Message>(
  call: ClientWritableStream<Message>,
  requests: Iterable<Message>,
  ended: AbortSignal,
): Promise<void> {
  const write = createWriter<Message>(call, ended);
  for (const request of requests) {
    if (ended.aborted) return;
    await write(request);
  }
  call.end();
}
