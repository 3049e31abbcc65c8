import type { MediaReference } from './media-reference.js';

/** One picture of a conversation: where its bytes are, and how large the client wants it to be seen. */
export interface ImagePart {
  readonly reference: MediaReference;
  /** Path of the part in the body, such as `messages[0].content[1]`. */
  readonly path: string;
  /** Path of what names the bytes, such as `messages[0].content[1].image_url.url`. */
  readonly field: string;
  readonly scaling: ImageScaling;
}

/** A part's wishes; what is undefined follows the checkpoint. */
export interface ImageScaling {
  readonly detail?: 'low' | 'high' | 'auto' | null | undefined;
  readonly min_pixels?: number | null | undefined;
  readonly max_pixels?: number | null | undefined;
  readonly resized_height?: number | null | undefined;
  readonly resized_width?: number | null | undefined;
}
