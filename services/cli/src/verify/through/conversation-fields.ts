import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { GoldenFolder, GoldenPart, GoldenRecord } from '../golden-folder.js';
import type { ChatFields } from './served-api.js';

/** The conversation of a case as a request has it, pictures as data: URIs. Throws for a video, which no request may have. */
export async function conversationFields(folder: GoldenFolder, record: GoldenRecord): Promise<ChatFields> {
  const messages = await Promise.all(
    record.messages.map(async ({ role, content }) => ({
      role,
      content: typeof content === 'string' ? content : await Promise.all(content.map((part) => toPart(folder, part))),
    })),
  );
  return { messages, add_generation_prompt: record.add_generation_prompt, add_vision_id: record.add_vision_id };
}

async function toPart(folder: GoldenFolder, part: GoldenPart): Promise<object> {
  if (part.type === 'text') return part;
  if (part.type === 'video') throw new Error('A request cannot have a video.');
  const { min_pixels, max_pixels } = part;
  // Decoders read a JPEG differently.
  const file = part.decoded_png ?? (part.type === 'image' ? part.image : part.image_url.url);
  const base64 = await readFile(folder.path(file), 'base64');
  const url = `data:image/${extname(file).slice(1)};base64,${base64}`;
  return { type: 'image_url', image_url: { url }, min_pixels, max_pixels };
}
