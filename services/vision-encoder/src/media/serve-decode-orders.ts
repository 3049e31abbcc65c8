import { serializeError } from '@tessera/domain';
import type { RgbImage } from '@tessera/qwen2-5-vl';
import type { DecodeOrder, DecoderAnswer, DecoderMessage } from './decode-job.js';

/**
 * The life of a decoder process: says that it is ready, answers orders, ends with its parent. A Ctrl-C in the terminal
 * reaches it too and is left to the parent, which may still wait for a picture.
 */
export function serveDecodeOrders(decode: (order: DecodeOrder) => Promise<RgbImage>): void {
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('disconnect', () => process.exit(0));
  process.on('message', async (order: DecodeOrder) => send(await answer(decode, order)));
  send({ kind: 'ready' });
}

async function answer(decode: (order: DecodeOrder) => Promise<RgbImage>, order: DecodeOrder): Promise<DecoderAnswer> {
  try {
    return { kind: 'decoded', image: await decode(order) };
  } catch (error) {
    return { kind: 'failed', error: serializeError(error) };
  }
}

function send(message: DecoderMessage): void {
  process.send?.(message);
}
