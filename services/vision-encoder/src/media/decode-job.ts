import type { SerializedServingError } from '@tessera/domain';
import type { ImageSize, RgbImage } from '@tessera/qwen2-5-vl';

/** One picture to decode and to bring to a size. */
export interface DecodeJob {
  /** The file as the client sent it. */
  readonly source: Uint8Array;
  readonly resizedHeight: number;
  readonly resizedWidth: number;
  /** Size of the upright picture as it was measured from the header; another one is an error. */
  readonly expectedSource?: ImageSize;
}

/** What the parent sends to a decoder process, one at a time. */
export interface DecodeOrder {
  readonly job: DecodeJob;
  readonly maxPixels: number;
}

export type DecoderAnswer =
  | { readonly kind: 'decoded'; readonly image: RgbImage }
  | { readonly kind: 'failed'; readonly error: SerializedServingError };

/** What a decoder process sends: `ready` once, then one answer an order. */
export type DecoderMessage = { readonly kind: 'ready' } | DecoderAnswer;
