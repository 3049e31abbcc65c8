import type { EmbeddingStore } from '@tessera/domain';
import type { LeaderStream, RankClaim, RankHost, RankLease, RankStatus } from '@tessera/rpc';
import type { Logger } from '@tessera/runtime';
import type { RankEngine } from './engine/rank-engine.js';
import { EpochGate } from './epoch-gate.js';
import { LedRank } from './led-rank.js';
import { SealBook } from './seal-book.js';

export interface DecoderRankDeps {
  readonly engine: RankEngine;
  /** The embeddings of the encoder at an address. */
  readonly embeddings: (address: string) => EmbeddingStore;
  readonly logger: Logger;
}

/** Which rank of which group this process is. */
export interface DecoderRankIdentity {
  readonly groupId: string;
  /** Counts the processes of the group from 0. */
  readonly rank: number;
  /** Digest of the compiled engine. */
  readonly engineDigest: string;
}

/**
 * A decoder rank that runs what a leader plans and chooses nothing. When a leader's stream ends, the rank leaves the
 * group at once, so that no other rank waits for it; sequences and staged embeddings go when the next leader comes,
 * pages and their seals stay.
 */
export function createDecoderRank(deps: DecoderRankDeps, identity: DecoderRankIdentity): RankHost {
  const { engine, logger } = deps;
  const { groupId, rank, engineDigest } = identity;
  const gate = new EpochGate();
  const book = new SealBook();
  const description = { ...engine.description, engineDigest };

  void engine.failed.then((failure) => gate.endIncumbent(failure));

  const open = async (claim: RankClaim, stream: LeaderStream): Promise<RankLease> => {
    gate.grant(claim, stream);
    const { session, meshAddresses, epoch, leaderId } = claim;
    logger.info({ epoch, leaderId }, 'obeying a leader');
    const leave = (): void => {
      logger.info({ epoch, leaderId }, 'the leader is gone');
      // A later leader has begun a session of its own; an engine that is dead has left the group.
      if (gate.isIncumbent(stream)) engine.endSession().catch(() => {});
    };
    stream.signal.addEventListener('abort', leave, { once: true });
    const opened = engine.open({ session, meshAddresses });
    if (stream.signal.aborted) leave();
    await opened;
    book.releaseAll();
    const numProcesses = meshAddresses.length;
    return new LedRank({ ...deps, book, description, rank, numProcesses, signal: stream.signal });
  };
  return {
    open,
    get status(): RankStatus {
      const { epoch, leaderId } = gate;
      const isReady = engine.failure === undefined;
      return { isReady, epoch, leaderId, description, seals: book.seals, groupId, rank };
    },
  };
}
