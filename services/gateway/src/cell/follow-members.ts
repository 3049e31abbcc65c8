import type { Bus, MemberKind } from '@tessera/bus';
import type { Logger } from '@tessera/runtime';

export interface FollowOptions {
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Takes the addresses of all members of the kind. */
  take(addresses: readonly string[]): void | Promise<void>;
}

/** Tells who is there of a kind, and again at each change, until `signal` aborts. Never rejects. */
export async function followMembers(
  bus: Bus,
  kind: MemberKind,
  { signal, logger, take }: FollowOptions,
): Promise<void> {
  try {
    for await (const members of bus.watch(kind, signal)) await take(members.map(({ address }) => address));
  } catch (error) {
    if (!signal.aborted) logger.error({ err: error, kind }, 'members are no longer followed');
  }
}
