import { readFile } from 'node:fs/promises';
import { envName, loadConfig, maskSecrets } from '@tessera/runtime';
import { describe, expect, it } from 'vitest';
import { clusterConfigSchema } from '../cluster/cluster-config.js';
import { serviceSchemas } from './service-schemas.js';

describe('serviceSchemas', () => {
  it('keep what the services say of options that contradict one another', () => {
    const overrides = { model: 'checkpoint', tp: 2, rank: 2, kvCacheBytes: 1000 };
    expect(() => loadConfig(serviceSchemas.decoder, { env: {}, overrides })).toThrow('--rank: must be below --tp 2');
  });

  it('keep the passwords of NATS and Redis out of logs', () => {
    for (const schema of [...Object.values(serviceSchemas), clusterConfigSchema]) {
      const given = { nats: 'nats://me:hidden@nats:4222', redis: 'redis://me:hidden@redis:6379' };
      const overrides = Object.fromEntries(
        Object.entries(given).filter(([option]) => Object.hasOwn(schema.shape, option)),
      );
      expect(JSON.stringify(maskSecrets(schema, overrides as never))).not.toContain('hidden');
    }
  });

  it('know every option that deploy/compose.yaml sets', async () => {
    const compose = await readFile(new URL('../../../../deploy/compose.yaml', import.meta.url), 'utf8');
    const names = Object.values(serviceSchemas).flatMap(({ shape }) => Object.keys(shape).map((name) => envName(name)));
    const set = compose.match(/TESSERA_\w+/g) ?? [];
    expect(set.length).toBeGreaterThan(10);
    expect(set.filter((name) => !names.includes(name))).toEqual([]);
  });
});
