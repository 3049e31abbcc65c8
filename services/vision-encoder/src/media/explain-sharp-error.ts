import { ServingError } from '@tessera/domain';

/** libvips tells its errors apart by their text only; what is not listed means that the content is broken. */
const explanations = [
  {
    pattern: /unsupported image format|^input .* is empty$/i,
    reason: 'unsupported_media_type',
    message: 'The data is no picture that can be read: JPEG, PNG, WebP, GIF, TIFF and AVIF are.',
  },
  {
    pattern: /exceeds pixel limit/i,
    reason: 'media_too_large',
    message: 'The picture has more pixels than are decoded.',
  },
] as const;

export function explainSharpError(error: unknown): ServingError {
  const text = error instanceof Error ? error.message : String(error);
  const known = explanations.find(({ pattern }) => pattern.test(text));
  if (known !== undefined) return new ServingError(known.reason, known.message, {}, { cause: error });
  const [firstLine = 'unknown error'] = text.trim().split('\n');
  return new ServingError('media_undecodable', `The picture is cut off or broken: ${firstLine}.`, {}, { cause: error });
}
