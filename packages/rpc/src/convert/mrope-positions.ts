import type { MessageInitShape } from '@bufbuild/protobuf';
import type { MropePositions } from '@tessera/domain';
import type * as wire from '@tessera/proto/common/v1';
import { invalidField } from './invalid-field.js';
import { bytesOf, int32Of } from './number-bytes.js';

export function mropePositionsToProto(positions: MropePositions): MessageInitShape<typeof wire.MropePositionsSchema> {
  const { temporal, height, width, next } = positions;
  return { temporal: bytesOf(temporal), height: bytesOf(height), width: bytesOf(width), next };
}

/** Throws `invalid_field` under the path `field` when an axis does not have `numTokens` positions. */
export function mropePositionsFromProto(
  positions: wire.MropePositions,
  numTokens: number,
  field: string,
): MropePositions {
  const axis = (name: 'temporal' | 'height' | 'width'): Int32Array => {
    const values = int32Of(positions[name], `${field}.${name}`);
    if (values.length !== numTokens) throw invalidField(`${field}.${name}`, `${numTokens} positions`, values.length);
    return values;
  };
  return { temporal: axis('temporal'), height: axis('height'), width: axis('width'), next: positions.next };
}
