import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CellDescription } from '@tessera/domain';
import type * as wire from '@tessera/proto/scheduler/v1';
import { safeIntegerOf } from './safe-integer.js';

export function cellDescriptionToProto(cell: CellDescription): MessageInitShape<typeof wire.DescribeResponseSchema> {
  const { isLeader, isReady, waitingFor, model } = cell;
  return {
    isLeader,
    isReady,
    waitingFor,
    epoch: BigInt(cell.epoch),
    modelRevision: model?.revision,
    maxContextLen: model?.maxContextLen,
    pageLen: model?.pageLen,
    maxVisualTokens: model?.maxVisualTokens,
  };
}

/** A cell without a revision knows no model yet. */
export function cellDescriptionFromProto(cell: wire.DescribeResponse): CellDescription {
  const { isLeader, isReady, waitingFor, modelRevision, maxContextLen, pageLen, maxVisualTokens } = cell;
  return {
    isLeader,
    isReady,
    waitingFor,
    epoch: safeIntegerOf(cell.epoch, 'epoch'),
    model: modelRevision === '' ? undefined : { revision: modelRevision, maxContextLen, pageLen, maxVisualTokens },
  };
}
