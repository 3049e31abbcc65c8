import { ServingError } from '@tessera/domain';

/** Where the bytes of a picture are. */
export type MediaReference =
  | { readonly kind: 'inline'; readonly base64: string }
  | { readonly kind: 'file'; readonly fileId: string };

/** Parses the `url` of a media part: a base64 data: URI or the id of an uploaded file; ServingError `invalid_media_url`. */
export function parseMediaUrl(url: string, field: string): MediaReference {
  if (/^data:/i.test(url)) return { kind: 'inline', base64: base64OfDataUri(url, field) };
  if (/^file-/.test(url)) return { kind: 'file', fileId: url };
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  const what = scheme === undefined ? 'no data: URI and no file id' : `${scheme}: URLs are not fetched`;
  throw new ServingError(
    'invalid_media_url',
    `${field}: ${what}; give a base64 data: URI or the id of an uploaded file`,
    {
      field,
    },
  );
}

function base64OfDataUri(url: string, field: string): string {
  const comma = url.indexOf(',');
  if (comma !== -1 && /;base64$/i.test(url.slice(0, Math.min(comma, 256)))) return url.slice(comma + 1);
  throw new ServingError('invalid_media_url', `${field}: the data: URI must be data:<type>;base64,<data>`, { field });
}
