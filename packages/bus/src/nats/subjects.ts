import { ServingError } from '@tessera/domain';
import type { MemberKind } from '../bus.js';

/** What a member says of itself. */
export function memberSubject(cell: string, kind: MemberKind, id: string): string {
  return `tessera.${cell}.members.${kind}.${toToken(id)}`;
}

/** What all members of a kind say. */
export function allMembersSubject(cell: string, kind: MemberKind): string {
  return `tessera.${cell}.members.${kind}.*`;
}

/** Asks all members of a kind to say that they are here. */
export function rollCallSubject(cell: string, kind: MemberKind): string {
  return `tessera.${cell}.roll-call.${kind}`;
}

/** The key-value bucket of one lease. */
export function leaseBucket(cell: string, name: string): string {
  return `tessera-${cell}-${assertName('lease', name)}`;
}

/** Names of cells and leases are parts of subjects and buckets. */
export function assertName(what: string, name: string): string {
  if (/^[\w-]+$/.test(name)) return name;
  const rule = 'it may have letters, digits, "-" and "_"';
  throw new ServingError('invalid_option', `"${name}" is no name of a ${what}: ${rule}.`, { [what]: name });
}

/** Dots, stars and spaces have a meaning in subjects. */
function toToken(id: string): string {
  return encodeURIComponent(id).replaceAll('.', '%2E').replaceAll('*', '%2A');
}
