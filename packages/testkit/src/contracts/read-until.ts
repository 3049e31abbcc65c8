import { isDeepStrictEqual } from 'node:util';

/**
 * Reads on until a value is as wanted, which it returns with those before it; the reader can go on after it. Throws
 * when the values end first.
 */
export async function readUntil<T>(reader: AsyncIterator<T>, wanted: T): Promise<readonly T[]> {
  const values: T[] = [];
  for (;;) {
    const { done, value } = await reader.next();
    if (done) throw new Error(`ended after ${JSON.stringify(values)}, without ${JSON.stringify(wanted)}`);
    values.push(value);
    if (isDeepStrictEqual(value, wanted)) return values;
  }
}
