/** Sides in pixels. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** Decoded pixels: `data` is [height, width, 3] uint8. */
export interface RgbImage extends ImageSize {
  readonly data: Uint8Array;
}

/** Decoded pixels with transparency: `data` is [height, width, 4] uint8, alpha not premultiplied. */
export interface RgbaImage extends ImageSize {
  readonly data: Uint8Array;
}
