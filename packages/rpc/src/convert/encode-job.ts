import type { MessageInitShape } from '@bufbuild/protobuf';
import { type EncodeJob, embeddingKey } from '@tessera/domain';
import type * as wire from '@tessera/proto/encoder/v1';
import { safeIntegerOf } from './safe-integer.js';
import { gridFromProto, processingFromProto, visualKinds } from './segment.js';

/** A job before its bytes. */
export interface AnnouncedJob {
  readonly job: Omit<EncodeJob, 'source'>;
  readonly numBytes: number;
}

export function encodeJobToProto(job: EncodeJob): MessageInitShape<typeof wire.EncodeJobSchema> {
  const { ticket, tenant, embeddingKey: key, kind, grid, processing, source } = job;
  return {
    ticket,
    tenant,
    embeddingKey: key,
    kind: visualKinds.numberOf(kind),
    grid,
    processing,
    numBytes: BigInt(source.length),
  };
}

/** Throws `invalid_field`, naming the path. */
export function encodeJobFromProto(job: wire.EncodeJob): AnnouncedJob {
  return {
    job: {
      ticket: job.ticket,
      tenant: job.tenant,
      embeddingKey: embeddingKey(job.embeddingKey),
      kind: visualKinds.wordOf(job.kind, 'job.kind'),
      grid: gridFromProto(job.grid, 'job.grid'),
      processing: processingFromProto(job.processing, 'job.processing'),
    },
    numBytes: safeIntegerOf(job.numBytes, 'job.num_bytes'),
  };
}
