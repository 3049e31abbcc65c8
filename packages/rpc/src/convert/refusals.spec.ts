import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { RequestSchema } from '@tessera/proto/common/v1';
import { EncodeJobSchema } from '@tessera/proto/encoder/v1';
import { GenerateResponseSchema, InspectResponseSchema } from '@tessera/proto/scheduler/v1';
import { createVisualRequest } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { bytesOfHash } from './block-hashes.js';
import { cellInspectionFromProto } from './cell-inspection.js';
import { encodeJobFromProto } from './encode-job.js';
import { requestFromProto, requestToProto } from './request.js';
import { schedulerEventFromProto } from './scheduler-event.js';

const good = requestToProto(createVisualRequest(['picture']));
const zeroes = (length: number) => new Uint8Array(length);
const positions = { temporal: zeroes(28), height: zeroes(28), width: zeroes(28), next: 7 };
const [text, picture] = good.segments ?? [];

const request = (given: MessageInitShape<typeof RequestSchema>) => () =>
  requestFromProto(create(RequestSchema, { ...good, ...given }));
const visual = (given: object) => request({ segments: [text!, { ...picture!, visual: { ...picture?.visual, ...given } }] });
const inspection = (given: MessageInitShape<typeof InspectResponseSchema>) => () =>
  cellInspectionFromProto(create(InspectResponseSchema, given));
const event = (given: MessageInitShape<typeof GenerateResponseSchema>) => () =>
  schedulerEventFromProto(create(GenerateResponseSchema, given));
const job = (given: MessageInitShape<typeof EncodeJobSchema>) => () =>
  encodeJobFromProto(create(EncodeJobSchema, { kind: 1, grid: {}, processing: {}, ...given }));

const refusals: [what: string, field: string, read: () => unknown][] = [
  ['token ids that are no whole numbers', 'token_ids', request({ tokenIds: zeroes(30) })],
  ['fewer positions than tokens', 'positions.height', request({ positions: { ...positions, height: zeroes(24) } })],
  ['positions that are no whole numbers', 'positions.width', request({ positions: { ...positions, width: zeroes(27) } })],
  ['a request without positions', 'positions', request({ positions: undefined })],
  ['a request without sampling', 'sampling', request({ sampling: undefined })],
  ['a seed above 2^53', 'sampling.seed', request({ sampling: { seed: 2n ** 53n } })],
  ['more media than can be counted', 'num_media_bytes', request({ numMediaBytes: 2n ** 60n })],
  ['a request of no class', 'class', request({ class: 0 })],
  ['a class of a later version', 'class', request({ class: 9 })],
  ['a short root of the prefix', 'prefix.root', request({ prefix: { root: zeroes(31) } })],
  ['a piece of a block hash', 'prefix.blocks', request({ prefix: { root: zeroes(32), blocks: zeroes(33) } })],
  ['a visual of no kind', 'segments[1].visual.kind', visual({ kind: 0 })],
  ['a visual without a grid', 'segments[1].visual.grid', visual({ grid: undefined })],
  ['a visual without processing', 'segments[1].visual.processing', visual({ processing: undefined })],
  ['an event of nothing', 'event', event({})],
  ['an end for no reason', 'finished.reason', event({ event: { case: 'finished', value: {} } })],
  ['a job of no kind', 'job.kind', job({ kind: 0 })],
  ['a job without a grid', 'job.grid', job({ grid: undefined })],
  ['a job of more bytes than can be counted', 'job.num_bytes', job({ numBytes: 2n ** 64n - 1n })],
  ['a page in no state', 'groups[0].pages[0].state', inspection({ groups: [{ pages: [{}] }] })],
  [
    'a page with a short hash',
    'groups[0].pages[0].block_hash',
    inspection({ groups: [{ pages: [{ state: 1, blockHash: zeroes(8) }] }] }),
  ],
  [
    'a seal with a short hash',
    'groups[0].seals[1].block_hash',
    inspection({ groups: [{ seals: [{ ranks: [0] }, { ranks: [0], blockHash: zeroes(8) }] }] }),
  ],
];

describe('a message is refused, naming the field,', () => {
  for (const [what, field, read] of refusals) {
    test(`that has ${what}`, () => {
      expect(read).toThrow(expect.objectContaining({ reason: 'invalid_field', facts: expect.objectContaining({ field }) }));
    });
  }

  test('but not when it is whole', () => {
    expect(request({})).not.toThrow();
    expect(request({ positions })).not.toThrow();
    expect(job({})).not.toThrow();
  });
});

test('a hash that is not 64 hexadecimal digits is never sent', () => {
  expect(() => bytesOfHash('abc' as never)).toThrow('1 hashes are 1 bytes, not 32 each: abc');
});
