import { type RankGroup, ServingError } from '@tessera/domain';
import { present } from '../convert/invalid-field.js';
import type { RpcTls } from '../grpc/rpc-tls.js';
import { assertAlike } from './assert-alike.js';
import { commonSeals } from './common-seals.js';
import { descriptionFromProto } from './description.js';
import { RankStream } from './rank-stream.js';
import { RemoteRankGroup } from './remote-rank-group.js';
import { sealsFromProto } from './seal.js';
import type { StepPatience } from './step-prediction.js';

/** Where the processes of a group are; all ranks in one process are one of them. */
export interface RankAddress {
  readonly address: string;
  readonly meshAddress: string;
}

export interface RankGroupOptions {
  readonly groupId: string;
  /** In rank order. */
  readonly ranks: readonly RankAddress[];
  /** Highest epoch that the ranks report, plus one. */
  readonly epoch: number;
  readonly leaderId: string;
  /** Unique: ranks meet only those that were given the same. */
  readonly session: string;
  /** Time without a word from here after which the ranks may obey another leader. */
  readonly silenceMs: number;
  readonly patience?: StepPatience;
  readonly tls?: RpcTls | undefined;
}

const defaultPatience: StepPatience = { factor: 8, floorMs: 10_000 };

/**
 * Comes to lead a group: all ranks grant the epoch, meet one another and turn out to be set up alike. Rejects with
 * `epoch_refused`, `invalid_option` where they differ, `worker_failed`; then none of them is led.
 */
export async function connectRankGroup(options: RankGroupOptions, signal: AbortSignal): Promise<RankGroup> {
  const { groupId, silenceMs, tls, patience = defaultPatience } = options;
  signal.throwIfAborted();
  const streams = options.ranks.map(({ address }, rank) => new RankStream({ groupId, rank, address, silenceMs, tls }));
  const endAll = (reason: Error): void => {
    for (const stream of streams) stream.end(reason);
  };
  const onAbort = (): void => endAll(new ServingError('cancelled', `Group ${groupId} is not wanted any more.`));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const opened = await Promise.all(streams.map((stream) => open(stream, options)));
    const descriptions = opened.map(({ description }) => description);
    assertAlike(groupId, descriptions);
    const seals = commonSeals(opened.map((rank) => rank.seals));
    const { engineDigest: _, ...description } = descriptions[0];
    return new RemoteRankGroup({ groupId, description, seals, streams, patience });
  } catch (error) {
    endAll(error as Error);
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function open(stream: RankStream, { ranks, epoch, leaderId, session, silenceMs }: RankGroupOptions) {
  const meshAddresses = ranks.map(({ meshAddress }) => meshAddress);
  const value = { epoch: BigInt(epoch), leaderId, session, meshAddresses, silenceMs };
  const { description, seals } = await stream.call({ case: 'open', value }, 'opened');
  return {
    description: descriptionFromProto(present(description, 'opened.description'), 'opened.description'),
    seals: sealsFromProto(seals, 'opened.seals'),
  };
}
