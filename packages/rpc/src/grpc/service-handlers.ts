import type { EventEmitter } from 'node:events';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { statusOf } from './call-error.js';
import { createWriter, type MessageStream } from './message-stream.js';
import type { Received, Sent } from './service-definition.js';

/** `signal` aborts when the caller cancels, is gone, or has waited as long as it wanted to. */
export type UnaryHandler<In, Out> = (request: In, signal: AbortSignal) => Promise<Out>;
export type ServerStreamHandler<In, Out> = (request: In, signal: AbortSignal) => AsyncIterable<Out>;
export type ClientStreamHandler<In, Out> = (requests: AsyncIterable<In>, signal: AbortSignal) => Promise<Out>;
/** The call ends with the promise. */
export type BidiStreamHandler<In, Out> = (stream: MessageStream<Out, In>, signal: AbortSignal) => Promise<void>;

/** What serves a method: a function of messages. What it throws is sent as `statusOf` says. */
export type MethodHandler<Method extends DescMethod> = {
  unary: UnaryHandler<Received<Method['input']>, Sent<Method['output']>>;
  server_streaming: ServerStreamHandler<Received<Method['input']>, Sent<Method['output']>>;
  client_streaming: ClientStreamHandler<Received<Method['input']>, Sent<Method['output']>>;
  bidi_streaming: BidiStreamHandler<Received<Method['input']>, Sent<Method['output']>>;
}[Method['methodKind']];

/** One handler a method of a generated service. */
export type ServiceHandlers<Service extends DescService> = {
  readonly [Name in keyof Service['method']]: MethodHandler<Service['method'][Name]>;
};

/** The handlers as grpc-js calls them; `report` is told of all that they throw, and by which method. */
export function serviceImplementation<Service extends DescService>(
  service: Service,
  handlers: ServiceHandlers<Service>,
  report: (error: unknown, method: string) => void,
): UntypedServiceImplementation {
  const serve: Record<DescMethod['methodKind'], (handler: never, onError: OnError) => UntypedHandleCall> = {
    unary: serveUnary,
    server_streaming: serveServerStream,
    client_streaming: serveClientStream,
    bidi_streaming: serveBidiStream,
  };
  return Object.fromEntries(
    service.methods.map(({ localName, name, methodKind }) => {
      const onError: OnError = (error) => report(error, `${service.typeName}/${name}`);
      return [localName, serve[methodKind](handlers[localName] as never, onError)];
    }),
  );
}

type OnError = (error: unknown) => void;

type ServerCall = EventEmitter & { readonly cancelled: boolean; sendMetadata(metadata: Metadata): void };

const serveUnary =
  <In, Out>(handler: UnaryHandler<In, Out>, onError: OnError): handleUnaryCall<In, Out> =>
  (call, callback) => {
    accept(call, onError, (signal) => handler(call.request, signal)).then(
      (response) => callback(null, response),
      (error: unknown) => callback(statusOf(error)),
    );
  };

const serveClientStream =
  <In, Out>(handler: ClientStreamHandler<In, Out>, onError: OnError): handleClientStreamingCall<In, Out> =>
  (call, callback) => {
    accept(call, onError, (signal) => handler(call.iterator({ destroyOnReturn: false }), signal)).then(
      (response) => callback(null, response),
      (error: unknown) => callback(statusOf(error)),
    );
  };

const serveServerStream =
  <In, Out>(handler: ServerStreamHandler<In, Out>, onError: OnError): handleServerStreamingCall<In, Out> =>
  (call) => {
    const sendAll = async (signal: AbortSignal): Promise<void> => {
      const write = createWriter<Out>(call, signal);
      for await (const message of handler(call.request, signal)) {
        await write(message);
        if (signal.aborted) return;
      }
    };
    finish(call, accept(call, onError, sendAll));
  };

const serveBidiStream =
  <In, Out>(handler: BidiStreamHandler<In, Out>, onError: OnError): handleBidiStreamingCall<In, Out> =>
  (call) => {
    const converse = (signal: AbortSignal): Promise<void> =>
      handler(
        {
          send: createWriter(call, signal),
          received: call.iterator({ destroyOnReturn: false }),
        },
        signal,
      );
    finish(call, accept(call, onError, converse));
  };

/** Sends headers, so that the caller knows that somebody is there, and runs the handler. */
async function accept<Outcome>(
  call: ServerCall,
  onError: OnError,
  run: (signal: AbortSignal) => Promise<Outcome>,
): Promise<Outcome> {
  const gone = new AbortController();
  call.on('cancelled', () => gone.abort());
  if (call.cancelled) gone.abort();
  call.sendMetadata(new Metadata());
  try {
    return await run(gone.signal);
  } catch (error) {
    onError(error);
    throw error;
  }
}

/** Ends a stream with its handler. A stream whose caller is gone is closed already. */
function finish(call: ServerCall & { end(): void }, handled: Promise<void>): void {
  handled.then(
    () => call.end(),
    (error: unknown) => {
      if (!call.cancelled) call.emit('error', statusOf(error));
    },
  );
}
