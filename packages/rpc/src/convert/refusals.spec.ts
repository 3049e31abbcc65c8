import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { PrefixHashesSchema, type Request, RequestSchema, type Visual } from '@tessera/proto/common/v1';
import { type EncodeJob, EncodeJobSchema } from '@tessera/proto/encoder/v1';
import { InspectResponseSchema, RequestEventSchema } from '@tessera/proto/scheduler/v1';
import { createVisualRequest } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { bytesOfHash } from './block-hashes.js';
import { cellInspectionFromProto } from './cell-inspection.js';
import { encodeJobFromProto } from './encode-job.js';
import { requestFromProto, requestToProto } from './request.js';
import { type EventFromProto, schedulerEventFromProto } from './scheduler-event.js';

const set = <Message extends object>(message: Message | undefined, fields: Partial<Message>) =>
  Object.assign(message!, fields);
const zeroes = (length: number) => new Uint8Array(length);

/** Reads a request of seven tokens, the middle four an image, once it was spoilt. */
const request = (spoil: (message: Request) => unknown) => () => {
  const message = create(RequestSchema, requestToProto(createVisualRequest(['picture'])));
  spoil(message);
  return requestFromProto(message);
};
const visual = (spoil: (message: Visual) => unknown) => request(({ segments }) => spoil(segments[1]!.visual!));
const job = (spoil: (message: EncodeJob) => unknown) => () => {
  const message = create(EncodeJobSchema, { kind: 1, grid: {}, processing: {} });
  spoil(message);
  return encodeJobFromProto(message);
};
const event = (message: MessageInitShape<typeof RequestEventSchema>) => () =>
  schedulerEventFromProto(create(RequestEventSchema, message).event as EventFromProto);
const inspection = (message: MessageInitShape<typeof InspectResponseSchema>) => () =>
  cellInspectionFromProto(create(InspectResponseSchema, message));

const refusals: [what: string, field: string, read: () => unknown][] = [
  ['token ids that are no whole numbers', 'token_ids', request((it) => set(it, { tokenIds: zeroes(30) }))],
  ['fewer positions than tokens', 'positions.height', request((it) => set(it.positions, { height: zeroes(24) }))],
  ['positions that are no whole numbers', 'positions.width', request((it) => set(it.positions, { width: zeroes(27) }))],
  ['no positions', 'positions', request((it) => set(it, { positions: undefined }))],
  ['no sampling', 'sampling', request((it) => set(it, { sampling: undefined }))],
  ['a seed above 2^53', 'sampling.seed', request((it) => set(it.sampling, { seed: 2n ** 53n }))],
  ['more media than can be counted', 'num_media_bytes', request((it) => set(it, { numMediaBytes: 2n ** 60n }))],
  ['no class', 'class', request((it) => set(it, { class: 0 }))],
  ['a class of a later version', 'class', request((it) => set(it, { class: 9 as never }))],
  ['a short root of the prefix', 'prefix.root', request((it) => set(it, { prefix: prefixOf(31, 0) }))],
  ['a piece of a block hash', 'prefix.blocks', request((it) => set(it, { prefix: prefixOf(32, 33) }))],
  ['a visual of no kind', 'segments[1].visual.kind', visual((it) => set(it, { kind: 0 }))],
  ['a visual without a grid', 'segments[1].visual.grid', visual((it) => set(it, { grid: undefined }))],
  ['a visual without processing', 'segments[1].visual.processing', visual((it) => set(it, { processing: undefined }))],
  ['an event of nothing', 'event', event({})],
  ['an end for no reason', 'finished.reason', event({ event: { case: 'finished', value: {} } })],
  ['a job of no kind', 'job.kind', job((it) => set(it, { kind: 0 }))],
  ['a job without a grid', 'job.grid', job((it) => set(it, { grid: undefined }))],
  ['a job of more bytes than can be counted', 'job.num_bytes', job((it) => set(it, { numBytes: 2n ** 64n - 1n }))],
  ['a page in no state', 'groups[0].pages[0].state', inspection({ groups: [{ pages: [{}] }] })],
  [
    'a page with a short hash',
    'groups[0].pages[0].block_hash',
    inspection({ groups: [{ pages: [{ state: 1, blockHash: zeroes(8) }] }] }),
  ],
  [
    'a seal with a short hash',
    'groups[0].seals[1].seals[0].block_hash',
    inspection({ groups: [{ seals: [{ rank: 0 }, { rank: 1, seals: [{ blockHash: zeroes(8) }] }] }] }),
  ],
];

function prefixOf(rootBytes: number, blocksBytes: number) {
  return create(PrefixHashesSchema, { root: zeroes(rootBytes), blocks: zeroes(blocksBytes) });
}

describe('a message is refused, naming the field, for', () => {
  for (const [what, field, read] of refusals) {
    test(what, () => {
      const facts = expect.objectContaining({ field });
      expect(read).toThrow(expect.objectContaining({ reason: 'invalid_field', facts }));
    });
  }
});

test('a message that is whole is read', () => {
  const nothing = () => {};
  expect(request(nothing)).not.toThrow();
  expect(job(nothing)).not.toThrow();
});

test('a hash that is not 64 hexadecimal digits is never sent', () => {
  expect(() => bytesOfHash('abc' as never)).toThrow('1 hashes are 1 bytes, not 32 each: abc');
});
