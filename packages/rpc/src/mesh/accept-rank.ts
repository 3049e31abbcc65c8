import { once } from 'node:events';
import { ServingError } from '@tessera/domain';
import type { ExchangeRequest, ExchangeResponseSchema } from '@tessera/proto/decoder/v1';
import type { MessageStream } from '../grpc/message-stream.js';
import type { Sent } from '../grpc/service-definition.js';
import { framesOf, greetingFrame, readGreeting } from './mesh-greeting.js';
import type { MeshSession } from './mesh-session.js';

/** Serves the call of a lower rank as long as the session lasts. A rank of another session is refused. */
export async function acceptRank(
  { send, received }: MessageStream<Sent<typeof ExchangeResponseSchema>, ExchangeRequest>,
  rank: number,
  currentSession: () => MeshSession | undefined,
): Promise<void> {
  const frames = framesOf(received);
  const greeting = await readGreeting(frames);
  const session = currentSession();
  if (session?.session !== greeting.session || session.signal.aborted) {
    throw new ServingError('not_ready', `Rank ${rank} is not in session ${greeting.session}.`, { rank });
  }
  void send({ frame: greetingFrame({ session: session.session, rank }) });
  const over = once(session.signal, 'abort');
  const link = {
    peer: greeting.rank,
    frames,
    send: (frame: Parameters<typeof send>[0]['frame']) => void send({ frame }),
  };
  await Promise.race([session.join(link), over]);
}
