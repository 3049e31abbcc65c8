import { beforeEach, describe, expect, test } from 'vitest';
import { EpochGate } from './epoch-gate.js';
import { createClaim } from './testing/create-claim.js';
import { FakeLeader } from './testing/fake-leader.js';

describe('EpochGate', () => {
  let gate: EpochGate;
  let incumbent: FakeLeader;
  beforeEach(() => {
    gate = new EpochGate();
    incumbent = new FakeLeader();
    gate.grant(createClaim({ epoch: 4, silenceMs: 3000 }), incumbent);
  });

  const claim = (epoch: number) => createClaim({ epoch, leaderId: 'leader-2', silenceMs: 10 });
  const refused = (epoch: number) => ({ reason: 'epoch_refused', facts: { epoch, granted: 4 } });

  test('has granted nothing at first', () => {
    expect(new EpochGate()).toMatchObject({ epoch: 0, leaderId: undefined });
  });

  test('grants any epoch to the first who asks', () => {
    expect(gate).toMatchObject({ epoch: 4, leaderId: 'leader-1' });
    expect(gate.isIncumbent(incumbent)).toBe(true);
  });

  for (const [title, epoch, silentMs, isClosed] of [
    ['a lower epoch', 3, 9000, true],
    ['the same epoch', 4, 9000, true],
    ['a higher epoch while the incumbent speaks', 5, 2999, false],
  ] as const) {
    test(`refuses ${title}, and says which was granted`, () => {
      incumbent.silentMs = silentMs;
      if (isClosed) incumbent.close();
      expect(() => gate.grant(claim(epoch), new FakeLeader())).toThrow(expect.objectContaining(refused(epoch)));
      expect(gate).toMatchObject({ epoch: 4, leaderId: 'leader-1' });
      expect(incumbent.endedBy).toBeUndefined();
    });
  }

  for (const [title, silence] of [
    ['is closed', (leader: FakeLeader) => leader.close()],
    [
      'was silent for as long as it promised not to be',
      (leader: FakeLeader) => {
        leader.silentMs = 3000;
      },
    ],
  ] as const) {
    test(`grants a higher epoch when the stream of the incumbent ${title}, and ends it`, () => {
      silence(incumbent);
      const challenger = new FakeLeader();
      gate.grant(claim(7), challenger);
      expect(gate).toMatchObject({ epoch: 7, leaderId: 'leader-2' });
      expect(gate.isIncumbent(challenger)).toBe(true);
      expect(incumbent.endedBy).toMatchObject({ reason: 'epoch_refused', facts: { epoch: 4, granted: 7 } });
    });
  }

  test('grants a higher epoch to the incumbent that asks again, and ends its old stream', () => {
    const again = new FakeLeader();
    gate.grant(createClaim({ epoch: 5 }), again);
    expect(gate.isIncumbent(again)).toBe(true);
    expect(incumbent.signal.aborted).toBe(true);
    expect(() => gate.grant(createClaim({ epoch: 5 }), new FakeLeader())).toThrow('epoch 5 was granted to leader-1');
  });

  test('ends the stream of whoever leads when it cannot be led any more', () => {
    gate.endIncumbent(new Error('dead'));
    expect(incumbent.endedBy).toEqual(new Error('dead'));
  });
});
