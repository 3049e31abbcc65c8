import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { refineTlsOptions, tlsFilesOf, tlsOptionsShape } from './tls-options.js';

const schema = z.strictObject(tlsOptionsShape).superRefine(refineTlsOptions);
const all = { tlsCa: 'ca.pem', tlsCert: 'cert.pem', tlsKey: 'key.pem' };

describe('TLS options', () => {
  test('are given together', () => {
    expect(tlsFilesOf(schema.parse(all))).toEqual({ caFile: 'ca.pem', certFile: 'cert.pem', keyFile: 'key.pem' });
  });

  test('are left out together', () => {
    expect(tlsFilesOf(schema.parse({}))).toBeUndefined();
  });

  for (const missing of ['tlsCa', 'tlsCert', 'tlsKey'] as const) {
    test(`are refused without ${missing}`, () => {
      const { error } = schema.safeParse({ ...all, [missing]: undefined });
      expect(error?.issues).toMatchObject([{ path: [missing], message: 'is needed with the other --tls options' }]);
    });
  }
});
