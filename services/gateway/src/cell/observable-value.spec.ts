import { describe, expect, it } from 'vitest';
import { ObservableValue } from './observable-value.js';

const never = new AbortController().signal;

describe('an observable value', () => {
  it('gives at once what is there already', async () => {
    expect(await new ObservableValue(3).until((value) => value * 2, never)).toBe(6);
  });

  it('gives what is waited for to all that wait, once it comes', async () => {
    const value = new ObservableValue(1);
    const large = [0, 1].map(() => value.until((current) => (current > 2 ? current : undefined), never));
    value.current = 2;
    value.current = 3;
    value.current = 4;
    expect(await Promise.all(large)).toEqual([3, 3]);
  });

  it('lets go of who has waited enough', async () => {
    const value = new ObservableValue(1);
    const patience = new AbortController();
    const reason = new Error('enough');
    const waiting = value.until(() => undefined, patience.signal);
    patience.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(value.until(() => undefined, patience.signal)).rejects.toBe(reason);
  });
});
