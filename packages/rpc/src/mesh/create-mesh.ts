import { ServingError } from '@tessera/domain';
import { RankMeshService } from '@tessera/proto/decoder/v1';
import { createRpcServer } from '../grpc/rpc-server.js';
import type { RpcTls } from '../grpc/rpc-tls.js';
import { acceptRank } from './accept-rank.js';
import { dialRank } from './dial-rank.js';
import { createMeshCollective, type Exchange, type MeshCollective } from './mesh-collective.js';
import { MeshSession } from './mesh-session.js';

export interface MeshOptions {
  readonly rank: number;
  readonly numRanks: number;
  /** Where higher ranks are called by lower ones: `host:port`, 0 takes a free port, or `unix:/path`. */
  readonly listen: string;
  readonly tls?: RpcTls | undefined;
  /** Time in which all ranks must have met. Default 30 000. */
  readonly connectTimeoutMs?: number;
  /** Time after which a round that a rank does not enter fails. Default 60 000, above what any layer takes. */
  readonly stepTimeoutMs?: number;
}

/** Which ranks meet, and in which life of the group. */
export interface MeshMeeting {
  readonly session: string;
  /** Of all ranks, in their order. */
  readonly addresses: readonly string[];
}

/** The other ranks are told at once; nothing else is worth waiting for. */
const closeGraceMs = 1_000;

/**
 * A rank's connections to the others of its group. It has a server of its own, so that it can live in the thread that
 * computes. Calls of the collective reject with `worker_failed`, naming the rank, as soon as one is lost; then all
 * ranks must meet again.
 */
export interface Mesh extends MeshCollective {
  /** Where the other ranks find this one. */
  readonly address: string;
  /** Leaves the session before and waits until all ranks have met in this one. */
  connect(meeting: MeshMeeting): Promise<void>;
  /** Leaves the session: what waits for other ranks rejects at once, and theirs does. */
  disconnect(): void;
  close(): Promise<void>;
}

export async function createMesh(options: MeshOptions): Promise<Mesh> {
  const { rank, numRanks, tls, connectTimeoutMs = 30_000, stepTimeoutMs = 60_000 } = options;
  let session: MeshSession | undefined;
  const server = createRpcServer({ tls });
  server.addService(RankMeshService, { exchange: (stream) => acceptRank(stream, rank, () => session) });
  const address = await server.listen(options.listen);

  const exchange: Exchange = async (shareFor) => {
    if (!session) throw new ServingError('internal', `Rank ${rank} has met no other rank.`);
    return session.exchange(shareFor);
  };
  const disconnect = (): void => {
    session?.end(new ServingError('cancelled', `Rank ${rank} left session ${session.session}.`));
    session = undefined;
  };
  const connect = async (meeting: MeshMeeting): Promise<void> => {
    disconnect();
    const { addresses } = meeting;
    if (addresses.length !== numRanks) {
      throw new ServingError('internal', `${addresses.length} ranks are to meet in a group of ${numRanks}.`);
    }
    session = new MeshSession({ session: meeting.session, rank, numRanks, stepTimeoutMs });
    await meetAll(session, addresses, { tls, connectTimeoutMs });
  };
  const close = async (): Promise<void> => {
    disconnect();
    await server.close(closeGraceMs);
  };
  return { ...createMeshCollective(rank, numRanks, exchange), address, connect, disconnect, close };
}

/** Calls the higher ranks, is called by the lower ones, and waits for all. */
async function meetAll(
  session: MeshSession,
  addresses: readonly string[],
  { tls, connectTimeoutMs }: { readonly tls: RpcTls | undefined; readonly connectTimeoutMs: number },
): Promise<void> {
  let cause: unknown;
  const onRefused = (error: unknown): void => {
    cause = error;
  };
  const deadline = setTimeout(() => {
    const [rank] = session.missingRanks;
    const message = `Rank ${session.missingRanks.join(', ')} did not meet rank ${session.rank} within ${connectTimeoutMs} ms.`;
    session.end(new ServingError('worker_failed', message, { rank, limit: connectTimeoutMs }, { cause }));
  }, connectTimeoutMs);
  for (const [peer, address] of addresses.entries()) {
    if (peer > session.rank) void dialRank(session, { peer, address, tls, onRefused });
  }
  try {
    await session.complete();
  } finally {
    clearTimeout(deadline);
  }
}
