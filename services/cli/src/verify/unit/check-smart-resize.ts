import { smartResize } from '@tessera/qwen2-5-vl';
import type { GoldenFolder } from '../golden-folder.js';
import type { VerifyReport } from '../verify-report.js';
import { orRefusal } from './or-refusal.js';

interface ResizeVectors {
  /** Sides become multiples of it. */
  readonly factor: number;
  readonly cases: readonly {
    readonly height: number;
    readonly width: number;
    readonly min_pixels: number;
    readonly max_pixels: number;
    /** Height and width; null where the shape must be refused. */
    readonly resized: readonly [number, number] | null;
  }[];
}

/** Sizes of resized pictures, and the shapes that are refused. */
export async function checkSmartResize(folder: GoldenFolder, report: VerifyReport, rung: string): Promise<void> {
  const vectors = await folder.readJson<ResizeVectors>('unit', 'smart_resize.json');
  for (const { height, width, min_pixels, max_pixels, resized } of vectors?.cases ?? []) {
    const limits = { minPixels: min_pixels, maxPixels: max_pixels };
    const actual = orRefusal(() => {
      const size = smartResize({ height, width }, limits, vectors?.factor);
      return [size.height, size.width];
    });
    const subject = `${height} × ${width} in ${min_pixels} … ${max_pixels}`;
    report.equal(rung, subject, actual, resized ?? { refused: 'media_aspect_ratio' });
  }
}
