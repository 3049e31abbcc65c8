import { loadConfig } from '@tessera/runtime';
import { describe, expect, test } from 'vitest';
import { decoderConfigSchema } from './config.js';

const load = (overrides: Record<string, unknown>) =>
  loadConfig(decoderConfigSchema, { env: {}, overrides: { model: 'checkpoint', ...overrides } });

describe('decoderConfigSchema', () => {
  test('needs nothing but a model', () => {
    expect(load({})).toMatchObject({ model: 'checkpoint', tp: 1, listen: '127.0.0.1:0' });
    expect(load({}).rank).toBeUndefined();
    expect(() => load({ model: undefined })).toThrow('--model');
  });

  test('describes every option', () => {
    for (const [name, option] of Object.entries(decoderConfigSchema.shape)) {
      expect(option.description, name).toMatch(/\.$/);
    }
  });

  test('takes a rank below the tensor-parallel degree', () => {
    const kv = { kvCacheTokens: 1024 };
    expect(load({ tp: 2, rank: 1, ...kv })).toMatchObject({ tp: 2, rank: 1 });
    expect(() => load({ tp: 2, rank: 2, ...kv })).toThrow('--rank: must be below --tp 2; given: 2');
  });

  test('leaves the size of the cache to no single rank', () => {
    expect(() => load({ tp: 2, rank: 0 })).toThrow('--rank: needs --kv-cache-tokens or --kv-cache-bytes');
    expect(load({ tp: 2, rank: 0, kvCacheBytes: 2 ** 20 })).toMatchObject({ kvCacheBytes: 2 ** 20 });
    expect(load({ tp: 2 }).kvCacheBytes).toBeUndefined();
  });

  test('takes the options of TLS together or not at all', () => {
    const tls = { tlsCa: 'ca.pem', tlsCert: 'cert.pem', tlsKey: 'key.pem' };
    expect(load(tls)).toMatchObject(tls);
    for (const name of Object.keys(tls)) {
      const option = `--tls-${name.slice(3).toLowerCase()}`;
      expect(() => load({ ...tls, [name]: undefined })).toThrow(`${option}: is needed with the other --tls options`);
    }
  });
});
