import { ServingError } from '@tessera/domain';
import type * as wire from '@tessera/proto/decoder/v1';
import { invalidField, present } from '../convert/invalid-field.js';
import type { SentFrame } from './mesh-session.js';

/** Who speaks, and in which life of the group. */
export interface MeshGreeting {
  readonly session: string;
  readonly rank: number;
}

export type ReceivedFrames = AsyncGenerator<wire.MeshFrame | undefined, void>;

/** The frames of a stream's messages, which have another type in each direction. */
export async function* framesOf(messages: AsyncIterable<{ readonly frame?: wire.MeshFrame }>): ReceivedFrames {
  for await (const { frame } of messages) yield frame;
}

export function greetingFrame(greeting: MeshGreeting): SentFrame {
  return { content: { case: 'hello', value: greeting } };
}

/** Reads the first frame of a stream and leaves the rest to the caller. */
export async function readGreeting(frames: ReceivedFrames): Promise<MeshGreeting> {
  const first = await frames.next();
  if (first.done) throw new ServingError('worker_failed', 'A rank ended its stream before it said who it is.');
  const { content } = present(first.value, 'frame');
  if (content.case !== 'hello') throw invalidField('frame.content', 'hello', content.case ?? 'nothing');
  const { session, rank } = content.value;
  return { session, rank };
}
