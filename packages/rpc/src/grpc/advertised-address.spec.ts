import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { advertisedAddress } from './advertised-address.js';

describe('advertisedAddress', () => {
  for (const [bound, host, expected] of [
    ['127.0.0.1:7000', undefined, '127.0.0.1:7000'],
    ['127.0.0.1:7000', 'decoder-3.cell', 'decoder-3.cell:7000'],
    ['0.0.0.0:7000', undefined, `${hostname()}:7000`],
    ['[::]:7000', undefined, `${hostname()}:7000`],
    ['[::1]:7000', undefined, '[::1]:7000'],
    ['0.0.0.0:7000', '10.0.0.7', '10.0.0.7:7000'],
    ['unix:/run/rank', 'decoder-3.cell', 'unix:/run/rank'],
  ] as const) {
    test(`of ${bound} on ${host ?? 'no given host'} is ${expected}`, () => {
      expect(advertisedAddress(bound, host)).toBe(expected);
    });
  }
});
