import { type EncodeJob, ServingError } from '@tessera/domain';
import type { EncodeRequest } from '@tessera/proto/encoder/v1';
import { type AnnouncedJob, encodeJobFromProto } from '../convert/encode-job.js';
import { invalidField } from '../convert/invalid-field.js';

/** A job with its bytes, from the parts of an upload. Throws `media_too_large`, or `invalid_field` for other parts. */
export async function receiveJob(parts: AsyncIterable<EncodeRequest>, maxSourceBytes: number): Promise<EncodeJob> {
  let announced: AnnouncedJob | undefined;
  let source = new Uint8Array();
  let numReceived = 0;
  for await (const { part } of parts) {
    if (announced === undefined) {
      announced = announcedJob(part, maxSourceBytes);
      source = new Uint8Array(announced.numBytes);
    } else {
      const data = dataOf(part);
      if (numReceived + data.length > source.length) {
        throw invalidField('data', `${source.length} bytes`, numReceived + data.length);
      }
      source.set(data, numReceived);
      numReceived += data.length;
    }
  }
  if (announced === undefined) throw invalidField('part', 'a job', 'none');
  if (numReceived < source.length) throw invalidField('data', `${source.length} bytes`, numReceived);
  return { ...announced.job, source };
}

function announcedJob(part: EncodeRequest['part'], maxSourceBytes: number): AnnouncedJob {
  if (part.case !== 'job') throw invalidField('part', 'the job first', part.case ?? 'none');
  const announced = encodeJobFromProto(part.value);
  const { numBytes } = announced;
  if (numBytes > maxSourceBytes) {
    throw new ServingError('media_too_large', `The picture has ${numBytes} bytes; the limit is ${maxSourceBytes}.`, {
      given: numBytes,
      limit: maxSourceBytes,
    });
  }
  return announced;
}

function dataOf(part: EncodeRequest['part']): Uint8Array {
  if (part.case !== 'data') throw invalidField('part', 'bytes after the job', part.case ?? 'none');
  return part.value;
}
