import { describe, expect, it } from 'vitest';
import { explainListenError } from './explain-listen-error.js';

describe('explainListenError', () => {
  const address = { host: '10.0.0.1', port: 80 };
  for (const [code, message] of [
    ['EADDRINUSE', /^--port 80 is taken by another process on 10\.0\.0\.1/],
    ['EACCES', /^--port 80 may not be opened/],
    ['EADDRNOTAVAIL', /^--host 10\.0\.0\.1 is no address of this machine/],
    ['ENOTFOUND', /^--host 10\.0\.0\.1 is no address and no known name/],
  ] as const) {
    it(`names the option behind ${code}`, () => {
      expect(explainListenError(Object.assign(new Error(code), { code }), address)).toMatchObject({
        reason: 'invalid_option',
        message: expect.stringMatching(message),
      });
    });
  }

  it('leaves other errors alone', () => {
    const error = new Error('listen: out of memory');
    expect(explainListenError(error, address)).toBe(error);
  });
});
