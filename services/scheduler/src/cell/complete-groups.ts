import type { Member } from '@tessera/bus';

/** A rank group of which every process is there. */
export interface CompleteGroup {
  readonly groupId: string;
  /** In rank order. */
  readonly ranks: readonly { readonly address: string; readonly meshAddress: string }[];
  /** Changes when one of the processes is another than before. */
  readonly incarnation: string;
}

/** The groups whose processes are all announced, by id; a group that misses a rank is not among them. */
export function completeGroups(decoders: readonly Member[]): CompleteGroup[] {
  const byGroup = new Map<string, Map<number, Member>>();
  for (const member of decoders) {
    const groupId = String(member.facts.group);
    const ranks = byGroup.get(groupId) ?? new Map<number, Member>();
    byGroup.set(groupId, ranks.set(Number(member.facts.rank), member));
  }
  return [...byGroup].flatMap(([groupId, ranks]) => {
    const [first] = ranks.values();
    const inOrder = Array.from({ length: Number(first?.facts.numRanks) }, (_, rank) => ranks.get(rank));
    if (inOrder.some((member) => member === undefined)) return [];
    const members = inOrder as Member[];
    return {
      groupId,
      ranks: members.map(({ address, facts }) => ({ address, meshAddress: String(facts.meshAddress) })),
      incarnation: members.map(({ incarnation }) => incarnation).join(),
    };
  });
}
