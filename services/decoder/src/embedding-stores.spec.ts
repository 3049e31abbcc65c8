import { expect, test } from 'vitest';
import { createEmbeddingStores } from './embedding-stores.js';

const addressOf = (i: number): string => `127.0.0.1:${i + 1}`;

test('an encoder that is asked again is asked over the same connection', () => {
  const stores = createEmbeddingStores(undefined);
  expect(stores.at(addressOf(0))).toBe(stores.at(addressOf(0)));
  expect(stores.at(addressOf(1))).not.toBe(stores.at(addressOf(0)));
  stores.close();
});

test('the connection that was not used for longest is let go when there are too many', () => {
  const stores = createEmbeddingStores(undefined);
  const [first, second] = [0, 1].map((i) => stores.at(addressOf(i)));
  for (let i = 2; i < 32; i++) stores.at(addressOf(i));
  expect(stores.at(addressOf(0))).toBe(first);
  stores.at(addressOf(32));
  expect(stores.at(addressOf(0))).toBe(first);
  expect(stores.at(addressOf(1))).not.toBe(second);
  stores.close();
});
