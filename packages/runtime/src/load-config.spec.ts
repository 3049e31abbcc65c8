import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadConfig, maskSecrets } from './load-config.js';

const schema = z
  .object({
    host: z.string().default('127.0.0.1'),
    port: z.number().int().min(0).max(65535).default(8080),
    maxBodyBytes: z.number().int().positive().default(64),
    isVerbose: z.boolean().default(false),
    models: z.array(z.string()).default([]),
    minPixels: z.number().optional(),
    maxPixels: z.number().optional(),
    apiKey: z.string().meta({ secret: true }).optional(),
  })
  .refine(({ minPixels, maxPixels }) => (minPixels ?? 0) <= (maxPixels ?? Number.POSITIVE_INFINITY), {
    path: ['minPixels'],
    message: 'must not be above maxPixels',
  });

const load = (env: Record<string, string>, overrides = {}) =>
  loadConfig(schema, { env, overrides, envAliases: { port: 'PORT' }, foreignEnv: ['TESSERA_TEST_SIZE'] });

describe('loadConfig', () => {
  it('takes the defaults when nothing is given', () => {
    expect(load({ LANG: 'C.UTF-8' })).toEqual({
      host: '127.0.0.1',
      port: 8080,
      maxBodyBytes: 64,
      isVerbose: false,
      models: [],
    });
  });

  it('reads numbers, booleans and lists from the environment by the type of the option', () => {
    const env = { TESSERA_MAX_BODY_BYTES: '1e6', TESSERA_IS_VERBOSE: '1', TESSERA_MODELS: 'a, b', TESSERA_HOST: '::1' };
    expect(load(env)).toMatchObject({ maxBodyBytes: 1e6, isVerbose: true, models: ['a', 'b'], host: '::1' });
  });

  it('prefers the command line to the environment, and the prefixed name to the alias', () => {
    expect(load({ PORT: '1' }).port).toBe(1);
    expect(load({ PORT: '1', TESSERA_PORT: '2' }).port).toBe(2);
    expect(load({ PORT: '1', TESSERA_PORT: '2' }, { port: '3' }).port).toBe(3);
    expect(load({ PORT: '1' }, { port: undefined }).port).toBe(1);
  });

  it('takes an empty variable for an absent one', () => expect(load({ PORT: '' }).port).toBe(8080));

  it('is frozen', () => expect(Object.isFrozen(load({}))).toBe(true));

  it('lets variables of others pass', () => expect(() => load({ TESSERA_TEST_SIZE: 'full' })).not.toThrow());

  const refusals: [string, Record<string, string>, object, RegExp][] = [
    ['an unknown variable', { TESSERA_PROT: '1' }, {}, /TESSERA_PROT is no option/],
    ['an unknown option', {}, { maxBodyByte: 1 }, /Unknown option --max-body-byte\./],
    ['an option named as what every object has', {}, { toString: '1' }, /Unknown option --to-string\./],
    ['a word for a number', { PORT: 'http' }, {}, /^PORT \(option --port\): expected number; given: "http"$/],
    ['a variable of two', { PORT: '1', TESSERA_PORT: 'x' }, {}, /^TESSERA_PORT \(option --port\): .*given: "x"/],
    ['a flag over a variable', { PORT: '1' }, { port: 'x' }, /^--port: expected number; given: "x"$/],
    ['a number out of range', {}, { port: 70000 }, /^--port: .*65535; given: 70000/],
    ['a word for a boolean', { TESSERA_IS_VERBOSE: 'maybe' }, {}, /--is-verbose.*given: "maybe"/],
    ['a contradiction', {}, { minPixels: 9, maxPixels: 4 }, /^--min-pixels: must not be above/],
  ];
  for (const [title, env, overrides, message] of refusals) {
    it(`refuses ${title} by name`, () => {
      expect(() => load(env, overrides)).toThrow(
        expect.objectContaining({ reason: 'invalid_option', message: expect.stringMatching(message) }),
      );
    });
  }

  it('does not print a secret that it refuses', () => {
    expect(() => load({}, { apiKey: 12345 })).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/\*\*\*/) }),
    );
    expect(() => load({}, { apiKey: 12345 })).not.toThrow('12345');
  });
});

describe('maskSecrets', () => {
  it('masks what the schema calls a secret and leaves the rest', () => {
    const masked = maskSecrets(schema, load({ TESSERA_API_KEY: 'sk-1' }));
    expect(masked).toMatchObject({ apiKey: '***', port: 8080 });
  });

  it('shows that a secret is not set', () => expect(maskSecrets(schema, load({}))).not.toHaveProperty('apiKey'));
});
