import { readFile } from 'node:fs/promises';
import type { VisualInput } from '@tessera/domain';
import type { MediaDecoderPool } from '@tessera/vision-encoder';
import type { GoldenCase, GoldenFolder, GoldenMedia, GoldenPart } from './golden-folder.js';

/** Decodes and resizes a case's media, in prompt order, on the path that serves clients. */
export async function loadGoldenMedia(
  folder: GoldenFolder,
  { record }: GoldenCase,
  decoders: MediaDecoderPool,
): Promise<VisualInput[]> {
  return Promise.all(
    record.media.map(async (media) => {
      const part = record.messages[media.message].content[media.part] as GoldenPart;
      const frames = await Promise.all(filesOf(part).map((file) => decode(folder.path(file), media, decoders)));
      return toVisual(media, frames);
    }),
  );
}

/** The files of a media part; `decoded_png` stands for a picture that decoders read differently. */
function filesOf(part: GoldenPart): readonly string[] {
  if (part.type === 'text') throw new Error('A text part has no media.');
  if (part.type === 'video') return part.video;
  return [part.decoded_png ?? (part.type === 'image' ? part.image : part.image_url.url)];
}

async function decode(path: string, media: GoldenMedia, decoders: MediaDecoderPool): Promise<Uint8Array> {
  const [resizedHeight, resizedWidth] = media.resized_size;
  const job = { source: await readFile(path), resizedHeight, resizedWidth };
  return (await decoders.decode(job, new AbortController().signal)).data;
}

function toVisual({ grid_thw, resized_size }: GoldenMedia, frames: readonly Uint8Array[]): VisualInput {
  const [t, h, w] = grid_thw;
  const [height, width] = resized_size;
  return { grid: { t, h, w }, numFrames: frames.length, height, width, frames: Buffer.concat(frames) };
}
