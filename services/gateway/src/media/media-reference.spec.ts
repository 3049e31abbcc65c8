import { describe, expect, it } from 'vitest';
import { parseMediaUrl } from './media-reference.js';

describe('parseMediaUrl', () => {
  it('takes the base64 of a data: URI whatever its declared type', () => {
    expect(parseMediaUrl('DATA:text/plain;charset=x;BASE64,QUJD', 'f')).toEqual({ kind: 'inline', base64: 'QUJD' });
    expect(parseMediaUrl('data:;base64,', 'f')).toEqual({ kind: 'inline', base64: '' });
  });

  it('takes the id of an uploaded file', () => {
    expect(parseMediaUrl('file-abc', 'f')).toEqual({ kind: 'file', fileId: 'file-abc' });
  });

  for (const url of ['http://host/a.png', 'https://host/a.png', 'file:///etc/passwd', 'ftp://host/a', 'javascript:x']) {
    it(`does not fetch ${url}`, () => {
      const message = expect.stringContaining(`f: ${url.split(':')[0]}: URLs are not fetched`);
      expect(() => parseMediaUrl(url, 'f')).toThrow(expect.objectContaining({ reason: 'invalid_media_url', message }));
    });
  }

  for (const url of ['', 'picture.png', 'data:image/png,abc', 'data:image/png;base64', '/etc/passwd']) {
    it(`refuses ${JSON.stringify(url)}`, () => {
      expect(() => parseMediaUrl(url, 'f')).toThrow(
        expect.objectContaining({ reason: 'invalid_media_url', facts: { field: 'f' } }),
      );
    });
  }
});
