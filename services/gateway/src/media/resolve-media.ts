import { ServingError } from '@tessera/domain';
import type { ImageSize, MeasuredVisual, Processor } from '@tessera/qwen2-5-vl';
import type { GatewayConfig } from '../config.js';
import type { BlobStore } from '../files/blob-store.js';
import type { FileRegistry } from '../files/file-registry.js';
import { decodeBase64 } from './decode-base64.js';
import type { ImagePart } from './image-part.js';
import { createFileSource, createInlineSource, type MediaSource } from './media-source.js';
import { pixelLimitsOf } from './pixel-limits.js';
import { probeImage } from './probe-image.js';

/** A picture whose bytes are at hand and whose tokens are counted, without a pixel decoded. */
export interface ResolvedMedia {
  readonly part: ImagePart;
  readonly source: MediaSource;
  readonly visual: MeasuredVisual;
}

export interface MediaResolverDeps {
  readonly processor: Processor;
  readonly files: FileRegistry;
  readonly blobs: BlobStore;
  readonly config: GatewayConfig;
}

/** The pictures of one request; `release` when it ends. */
export interface RequestMedia {
  readonly resolved: readonly ResolvedMedia[];
  /** Time that reading, decoding, hashing and measuring them took. */
  readonly spentMs: number;
  release(): Promise<void>;
}

/**
 * Resolves every picture in order. ServingErrors name the part: `too_many_images`, `media_too_large`, and whatever is
 * wrong with its reference, bytes, header, shape or limits; then nothing is kept.
 */
export async function resolveMedia(
  parts: readonly ImagePart[],
  deps: MediaResolverDeps,
  signal: AbortSignal,
): Promise<RequestMedia> {
  assertCount(parts, deps.config.maxImages);
  const resolved: ResolvedMedia[] = [];
  const release = async () => {
    await Promise.all(resolved.map(({ source }) => source.release()));
  };
  const startedAtMs = performance.now();
  const budget = new PixelBudget(deps.config);
  try {
    for (const part of parts) {
      signal.throwIfAborted();
      resolved.push(await resolvePart(part, deps, budget));
    }
    return { resolved, spentMs: performance.now() - startedAtMs, release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function resolvePart(part: ImagePart, deps: MediaResolverDeps, budget: PixelBudget): Promise<ResolvedMedia> {
  const limits = pixelLimitsOf(part, deps.processor.processing);
  const bytes = await readReference(part, deps);
  const size = await probeImage(bytes, part.field);
  budget.spend(size, part.field);
  const visual = measure(part, size, () => deps.processor.measureImage(askedSize(part, size), limits));
  const { reference, field } = part;
  const source =
    reference.kind === 'file'
      ? createFileSource(reference.fileId, deps.files, field)
      : await createInlineSource(bytes, deps.blobs, field);
  return { part, source, visual };
}

async function readReference(
  { reference, field }: ImagePart,
  { files, config }: MediaResolverDeps,
): Promise<Uint8Array> {
  if (reference.kind === 'file') {
    assertBytes(files.get(reference.fileId, field).blob.numBytes, config.maxImageBytes, field);
    return files.read(reference.fileId, field);
  }
  assertBytes((reference.base64.length / 4) * 3 - 2, config.maxImageBytes, field);
  return decodeBase64(reference.base64, field);
}

/** What the model resizes from: the picture, or the size that the client asked to see it at. */
function askedSize({ scaling }: ImagePart, size: ImageSize): ImageSize {
  const { resized_height: height, resized_width: width } = scaling;
  return height == null || width == null ? size : { height, width };
}

function measure(part: ImagePart, source: ImageSize, measureImage: () => MeasuredVisual): MeasuredVisual {
  try {
    return { ...measureImage(), source };
  } catch (error) {
    if (!(error instanceof ServingError)) throw error;
    throw new ServingError(
      error.reason,
      `${part.field}: ${error.message}`,
      { ...error.facts, field: part.field },
      { cause: error },
    );
  }
}

function assertCount(parts: readonly ImagePart[], maxImages: number): void {
  if (parts.length <= maxImages) return;
  const field = parts[maxImages]!.path;
  const message = `${field}: the request has ${parts.length} images, the limit is ${maxImages}`;
  throw new ServingError('too_many_images', message, { field, limit: maxImages, given: parts.length });
}

function assertBytes(numBytes: number, limit: number, field: string): void {
  if (numBytes <= limit) return;
  throw new ServingError('media_too_large', `${field}: the image is larger than the limit of ${limit} bytes`, {
    field,
    limit,
  });
}

/** Pixels that decoding the request's pictures may take, one by one and together. */
class PixelBudget {
  #numPixels = 0;

  constructor(private readonly config: Pick<GatewayConfig, 'maxImagePixels' | 'maxRequestPixels'>) {}

  spend({ height, width }: ImageSize, field: string): void {
    const { maxImagePixels, maxRequestPixels } = this.config;
    const given = height * width;
    this.#numPixels += given;
    if (given > maxImagePixels) {
      const message = `${field}: the image has ${width} × ${height} = ${given} pixels, the limit is ${maxImagePixels}`;
      throw new ServingError('media_too_large', message, { field, limit: maxImagePixels, given });
    }
    if (this.#numPixels > maxRequestPixels) {
      const message = `${field}: the request's images have more than ${maxRequestPixels} pixels together`;
      throw new ServingError('media_too_large', message, { field, limit: maxRequestPixels, given: this.#numPixels });
    }
  }
}
