import type { ImagePart, ImageScaling } from '../media/image-part.js';
import { parseMediaUrl } from '../media/media-reference.js';
import type { ChatMessage, ChatMessages } from './message-schema.js';

type UserPart = Exclude<Extract<ChatMessage, { role: 'user' }>['content'], string>[number];

/** The pictures of a conversation, in prompt order. */
export function listImageParts(messages: ChatMessages): ImagePart[] {
  return messages.flatMap((message, i) => {
    if (message.role !== 'user' || typeof message.content === 'string') return [];
    return message.content.flatMap((part, j) => toImagePart(part, `messages[${i}].content[${j}]`) ?? []);
  });
}

function toImagePart(part: UserPart, path: string): ImagePart | undefined {
  switch (part.type) {
    case 'image_url':
      return imagePart(path, 'image_url.', part.image_url, { ...part, detail: part.image_url.detail });
    case 'input_image':
      return imagePart(path, '', { url: part.image_url, file_id: part.file_id }, part, 'image_url');
    case 'file':
      return imagePart(path, 'file.', part.file, part);
    default:
      return undefined;
  }
}

function imagePart(
  path: string,
  prefix: string,
  { url, file_id }: { url?: string | null | undefined; file_id?: string | null | undefined },
  scaling: ImageScaling,
  urlName = 'url',
): ImagePart {
  if (file_id != null) {
    return { reference: { kind: 'file', fileId: file_id }, path, field: `${path}.${prefix}file_id`, scaling };
  }
  const field = `${path}.${prefix}${urlName}`;
  return { reference: parseMediaUrl(url ?? '', field), path, field, scaling };
}
