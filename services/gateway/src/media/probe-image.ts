import { ServingError } from '@tessera/domain';
import { type ImageSize, orientedSize } from '@tessera/qwen2-5-vl';
import sharp from 'sharp';
import { assertImage } from './sniff-image.js';

/**
 * Size of a picture as it will be seen (EXIF orientation applied, first frame of an animation), from its header alone
 * and off the event loop; `field` names it in errors. ServingError `unsupported_media_type`, or `media_undecodable` when the header is broken.
 */
export async function probeImage(bytes: Uint8Array, field = 'image'): Promise<ImageSize> {
  assertImage(bytes, field);
  try {
    const { width, height, orientation } = await sharp(bytes, { limitInputPixels: false, failOn: 'none' }).metadata();
    return orientedSize({ height, width }, orientation ?? 1);
  } catch (cause) {
    const [firstLine = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    const detail = firstLine.replace(/:\s*$/, '');
    throw new ServingError(
      'media_undecodable',
      `${field}: the image's header cannot be read: ${detail}`,
      { field },
      { cause },
    );
  }
}
