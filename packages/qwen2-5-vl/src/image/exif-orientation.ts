import type { ImageSize, RgbImage } from './rgb-image.js';

/**
 * How the stored picture must be turned for each value of EXIF's Orientation tag: the upright picture's (row, column)
 * is found at stored (row, column), mirrored along an axis, or at (column, row) where rows and columns are swapped.
 */
const turns: Readonly<Record<number, { isSwapped: boolean; mirrorsRows: boolean; mirrorsColumns: boolean }>> = {
  2: { isSwapped: false, mirrorsRows: false, mirrorsColumns: true },
  3: { isSwapped: false, mirrorsRows: true, mirrorsColumns: true },
  4: { isSwapped: false, mirrorsRows: true, mirrorsColumns: false },
  5: { isSwapped: true, mirrorsRows: false, mirrorsColumns: false },
  6: { isSwapped: true, mirrorsRows: true, mirrorsColumns: false },
  7: { isSwapped: true, mirrorsRows: true, mirrorsColumns: true },
  8: { isSwapped: true, mirrorsRows: false, mirrorsColumns: true },
};

/** The size a picture has when it is upright; values other than 2 … 8 mean upright already. */
export function orientedSize({ height, width }: ImageSize, orientation: number): ImageSize {
  return turns[orientation]?.isSwapped ? { height: width, width: height } : { height, width };
}

/** The upright picture; the picture itself when it is upright already. */
export function applyExifOrientation(image: RgbImage, orientation: number): RgbImage {
  const turn = turns[orientation];
  if (turn === undefined) return image;
  const { height, width } = orientedSize(image, orientation);
  const rowStep = turn.mirrorsRows ? -image.width * 3 : image.width * 3;
  const columnStep = turn.mirrorsColumns ? -3 : 3;
  const [downStep, rightStep] = turn.isSwapped ? [columnStep, rowStep] : [rowStep, columnStep];
  const firstRow = turn.mirrorsRows ? image.height - 1 : 0;
  const firstColumn = turn.mirrorsColumns ? image.width - 1 : 0;
  const data = new Uint8Array(height * width * 3);
  let lineStart = (firstRow * image.width + firstColumn) * 3;
  let target = 0;
  for (let y = 0; y < height; y++, lineStart += downStep) {
    for (let x = 0, source = lineStart; x < width; x++, source += rightStep, target += 3) {
      data[target] = image.data[source]!;
      data[target + 1] = image.data[source + 1]!;
      data[target + 2] = image.data[source + 2]!;
    }
  }
  return { height, width, data };
}
