import { loadConfig } from '@tessera/runtime';
import { describe, expect, test } from 'vitest';
import { visionEncoderConfigSchema } from './config.js';

const load = (overrides: Record<string, unknown>) =>
  loadConfig(visionEncoderConfigSchema, { env: {}, overrides: { model: 'checkpoint', ...overrides } });

describe('visionEncoderConfigSchema', () => {
  test('needs nothing but a model', () => {
    expect(load({})).toMatchObject({ model: 'checkpoint', encodeBatchPatches: 4096, listen: '127.0.0.1:0' });
    expect(() => load({ model: undefined })).toThrow('--model');
  });

  test('describes every option', () => {
    for (const [name, option] of Object.entries(visionEncoderConfigSchema.shape)) {
      expect(option.description, name).toMatch(/\.$/);
    }
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
