import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { ServiceDefinition } from '@grpc/grpc-js';

/** What is sent: a message, or a plain object of its fields. */
export type Sent<Desc extends DescMessage> = MessageInitShape<Desc>;
/** What is received. */
export type Received<Desc extends DescMessage> = MessageShape<Desc>;

/** A generated method in the form that grpc-js serves and calls. */
export interface RpcMethodDefinition<Method extends DescMethod> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  requestSerialize(message: Sent<Method['input']>): Buffer;
  requestDeserialize(bytes: Buffer): Received<Method['input']>;
  responseSerialize(message: Sent<Method['output']>): Buffer;
  responseDeserialize(bytes: Buffer): Received<Method['output']>;
}

/** A generated service in the form that grpc-js serves. */
export function serviceDefinition(service: DescService): ServiceDefinition {
  return Object.fromEntries(service.methods.map((method) => [method.localName, methodDefinition(method)]));
}

export function methodDefinition<Method extends DescMethod>(method: Method): RpcMethodDefinition<Method> {
  const { parent, name, methodKind } = method;
  const input: Method['input'] = method.input;
  const output: Method['output'] = method.output;
  return {
    path: `/${parent.typeName}/${name}`,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    requestSerialize: (message) => serialize(input, message),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => serialize(output, message),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

function serialize<Desc extends DescMessage>(schema: Desc, message: Sent<Desc>): Buffer {
  const bytes = toBinary(schema, create(schema, message));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
