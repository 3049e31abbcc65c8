import { create, toBinary } from '@bufbuild/protobuf';
import type { Request } from '@tessera/domain';
import * as wire from '@tessera/proto/common/v1';
import { invalidField } from '../convert/invalid-field.js';
import { requestToProto } from '../convert/request.js';
import { maxMessageBytes } from '../grpc/wire-options.js';

/** What is said of a request beside it. */
const maxEnvelopeBytes = 64;

/**
 * A request as a message. One that cannot be written throws here, `invalid_field` where it is larger than a message may
 * be: on the stream it would end all others with it.
 */
export function sendableRequest(request: Request): wire.Request {
  const message = create(wire.RequestSchema, requestToProto(request));
  const numBytes = toBinary(wire.RequestSchema, message).byteLength;
  const limit = maxMessageBytes - maxEnvelopeBytes;
  if (numBytes > limit) throw invalidField('request', `at most ${limit} bytes`, numBytes);
  return message;
}
