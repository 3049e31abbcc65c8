import { setTimeout } from 'node:timers/promises';
import { ServingError } from '@tessera/domain';
import { RankMeshService } from '@tessera/proto/decoder/v1';
import { RpcClient } from '../grpc/rpc-client.js';
import type { RpcTls } from '../grpc/rpc-tls.js';
import { framesOf, greetingFrame, readGreeting } from './mesh-greeting.js';
import type { MeshLink, MeshSession } from './mesh-session.js';

export interface RankDial {
  readonly peer: number;
  readonly address: string;
  readonly tls: RpcTls | undefined;
  /** Hears why an attempt failed; there is another one until the session is over. */
  readonly onRefused: (error: unknown) => void;
}

const firstPauseMs = 20;
const longestPauseMs = 500;

/**
 * Calls a higher rank until it answers in the same session, then holds the stream as long as the session lasts. A rank
 * that is not up yet, or still in an earlier session, refuses; it may come to this one at any moment.
 */
export async function dialRank(session: MeshSession, { peer, address, tls, onRefused }: RankDial): Promise<void> {
  const client = new RpcClient({ address, lostReason: 'worker_failed' }, tls);
  try {
    for (let pauseMs = firstPauseMs; !session.signal.aborted; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        await session.join(await meet(client, session, peer));
      } catch (error) {
        onRefused(error);
        await pause(pauseMs, session.signal);
      }
    }
  } finally {
    client.close();
  }
}

async function meet(client: RpcClient, { session, rank, signal }: MeshSession, peer: number): Promise<MeshLink> {
  const { send, received } = client.bidiStream(RankMeshService.method.exchange, { signal });
  const frames = framesOf(received);
  void send({ frame: greetingFrame({ session, rank }) });
  const greeting = await readGreeting(frames);
  if (greeting.rank !== peer) {
    await frames.return();
    throw new ServingError('internal', `Rank ${greeting.rank} answers at the address of rank ${peer}.`, { rank: peer });
  }
  return { peer, frames, send: (frame) => void send({ frame }) };
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  // Only the end of the session cuts a pause short, and the caller looks for it next.
  await setTimeout(durationMs, undefined, { signal }).catch(() => {});
}
